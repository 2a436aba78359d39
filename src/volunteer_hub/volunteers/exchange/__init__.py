"""People in and out by CSV and XLSX."""
