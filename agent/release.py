"""Old data that somebody has released: which findings a release covers, and which it doesn't.

A release names what was found, not where to look: `fact:part.part…`, each part a short hash of the
bytes (or words) found, and one of how much was written to the drive by then. It covers a finding of
that fact whose every part it names, and nothing else: other data of the same kind has other parts,
and what is stored beside it voids it. What is in use or unknown has no name to release.
A run writes over released unknown data bit by bit: `explained` knows what is left of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .identity import Fact

LIMIT = 64


class Unreadable(ValueError):
    """This is no release, or not one for this drive."""


def part(*found: bytes) -> str:
    """A short hash of what was found."""
    whole = hashlib.sha256()
    for piece in found:
        whole.update(len(piece).to_bytes(8, "little") + piece)
    return whole.hexdigest()[:12]


def token(fact: Fact) -> str | None:
    """What names exactly this finding; None where nothing may release it."""
    if fact.state != "old_data" or not fact.parts:
        return None
    return f"{fact.fact}:{'.'.join(sorted(set(fact.parts)))}"


def parse(text: str, serial: str | None) -> tuple[str, ...]:
    """The tokens of SERIAL:TOKEN,TOKEN. Good for that serial only. Raises Unreadable."""
    if not text:
        return ()
    before = f"{serial or ''}:"
    if not text.startswith(before):
        raise Unreadable("the release is for another serial")
    tokens = tuple(text[len(before) :].split(","))
    if len(tokens) > LIMIT or not all(is_token(one) for one in tokens):
        raise Unreadable("the release names no finding")
    return tokens


def is_token(text: object) -> bool:
    if not isinstance(text, str) or len(text) > 1000:
        return False
    fact, _, parts = text.rpartition(":")
    return bool(fact) and all(
        len(one) == 12 and not set(one) - set("0123456789abcdef") for one in parts.split(".")
    )


def covers(released: Iterable[str], fact: Fact) -> bool:
    """Does one of the released tokens name all that this finding consists of?"""
    if token(fact) is None:
        return False
    named = [one.rpartition(":") for one in released]
    return any(
        name == fact.fact and set(fact.parts) <= set(parts.split(".")) for name, _, parts in named
    )


def applied(facts: Iterable[Fact], released: Iterable[str]) -> list[Fact]:
    """The same facts, those that are released with the state "released"."""
    tokens = list(released)
    return [fact._replace(state="released") if covers(tokens, fact) else fact for fact in facts]
