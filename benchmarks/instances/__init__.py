"""Public instances, solved by the engine: `python -m benchmarks.instances.<name>`."""
