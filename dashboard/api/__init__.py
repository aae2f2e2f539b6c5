"""The REST API under /api/v1: one file for each part of it, put together in v1.py."""
