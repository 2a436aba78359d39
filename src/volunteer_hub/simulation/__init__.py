"""Made-up cities and people that drive the public API."""
