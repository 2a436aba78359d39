"""The trail of every change, sealed in batches."""
