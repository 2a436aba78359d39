"""Courses: sessions with places, who comes, what they have shown they can do."""
