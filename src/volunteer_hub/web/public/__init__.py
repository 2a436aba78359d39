"""Pages anyone may open: login, join."""
