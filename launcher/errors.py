"""The one error that the front door shows as a line instead of a traceback."""

from __future__ import annotations


class Trouble(Exception):
    """Something the user can mend; its text says what happened and what to do."""
