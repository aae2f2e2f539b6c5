"""Hostile input at every door: forms, API, websockets, and the answers of a NAS."""
