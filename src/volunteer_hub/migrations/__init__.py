"""The schema's history: one file a step, each up and down, run by alembic."""
