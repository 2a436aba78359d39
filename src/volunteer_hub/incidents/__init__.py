"""Sudden events and the tasks they bring."""
