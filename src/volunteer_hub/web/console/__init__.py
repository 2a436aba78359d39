"""Pages for coordinators and clerks."""
