"""The standing pool: people, skills, availability, organisations."""
