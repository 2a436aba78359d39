"""One volunteer, many small tasks: tours of welfare checks and deliveries."""
