"""Follow-up: short surveys and what they teach."""
