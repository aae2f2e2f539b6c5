"""Log lines: one JSON object each, or plain text; neither with a secret in it.

A line carries the ids of what the work is about: the request that asked for it (in a worker too),
the task, the system, drive and job.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from audit import trace
from config.redaction import redact


class JsonLine(logging.Formatter):
    """time (UTC), level, logger, message, ids, and the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": redact(record.getMessage()),
            **trace.current(),
        }
        if record.exc_info:
            line["traceback"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


class TextLine(logging.Formatter):
    """For people at a terminal; a traceback follows its line."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        ids = " ".join(f"{name}={id_}" for name, id_ in trace.current().items())
        return redact(super().format(record)) + (f" [{ids}]" if ids else "")
