"""Readiness drills on a calendar rule."""
