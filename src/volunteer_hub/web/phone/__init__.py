"""Pages for a volunteer's phone."""
