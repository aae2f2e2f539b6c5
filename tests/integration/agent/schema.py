"""Holds an answer to agent/protocol.schema.json; whoever speaks the protocol can be held to it."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

FILE = Path(__file__).resolve().parents[3] / "agent" / "protocol.schema.json"


@functools.cache
def _validator(kind: str) -> Draft202012Validator:
    schema = json.loads(FILE.read_text())
    return Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": schema["$defs"]})


def check(answer: Any) -> None:
    """Raises AssertionError, naming the place, unless this is an answer of the protocol."""
    assert isinstance(answer, dict), answer
    kind = {"verdict": "verdict_line"}.get(answer.get("answer", ""), answer.get("answer"))
    assert kind in json.loads(FILE.read_text())["$defs"], f"answer {kind!r} is not in the protocol"
    error = best_match(_validator(str(kind)).iter_errors(answer))
    if error is not None:
        place = "/".join(map(str, error.absolute_path))
        raise AssertionError(f"{kind} breaks the schema at {place or 'the top'}: {error.message}")
