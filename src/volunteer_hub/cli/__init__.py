"""A command for every operation."""
