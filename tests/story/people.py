"""Who is in the story; nina has no role yet."""

from __future__ import annotations

PASSWORD = "correct horse battery"
PEOPLE = {"alice": "operator", "bob": "operator", "vera": "viewer", "olga": "admin"}
