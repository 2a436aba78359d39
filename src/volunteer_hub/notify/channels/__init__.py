"""One file per channel, behind one protocol (base.py)."""
