"""Reads that cross capabilities, one file per screen."""
