"""The ground: knows no capability."""
