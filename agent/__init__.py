"""The program that runs on the NAS: it says what a drive is, writes and verifies it, and tells the
truth about it.

Standard library only, Python 3.9 and later, Linux and FreeBSD. `agent/build.py` makes it one file;
`agent/protocol.schema.json` is what it answers. Nothing here is imported by the rooms of the
dashboard but `build`.
"""

from __future__ import annotations

PROTOCOL = 1
RELEASE = "0.1.0"
