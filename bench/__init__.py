"""Measurements against a reference; `./run bench surface`."""
