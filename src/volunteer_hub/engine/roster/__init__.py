"""Rosters: several duties per person, and rules that break the exactness of the flow."""
