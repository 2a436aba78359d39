"""Volunteer Hub: a city's standing pool of volunteers, ready in calm times and mobilized in minutes."""

__version__ = "0.1.0"
