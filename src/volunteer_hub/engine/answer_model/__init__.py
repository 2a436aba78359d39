"""Who says yes, learned from who did: chances per person, pooled over their community and their city."""
