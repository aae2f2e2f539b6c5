"""Tells people and programs what has ended: reads audit events, and sends each one once."""
