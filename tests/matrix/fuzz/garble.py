"""Answers that were garbled on their way: half of them, full of NULs, of the wrong types, huge."""

from __future__ import annotations

import copy
import json
import random
from types import ModuleType
from typing import Any

from drives.hosts import agent
from drives.truenas import connect, rest, session

from .hostile import VALUES

#: All that read what a NAS or its host says.
GARBLED: tuple[ModuleType, ...] = (rest, session, connect, agent)


class Garbler:
    """In the place of a module's `json`: what it loads isn't always what was said."""

    dumps = staticmethod(json.dumps)
    JSONDecodeError = json.JSONDecodeError

    def __init__(self, seed: int, chance: float) -> None:
        self.dice, self.chance = random.Random(seed), chance
        self.on, self.garbled = False, 0

    def loads(self, text: Any, **options: Any) -> Any:
        if not self.on or self.dice.random() > self.chance:
            return json.loads(text, **options)
        self.garbled += 1
        if self.dice.random() < 0.25:
            return json.loads(self._broken(text), **options)
        answer = json.loads(text, **options)
        if isinstance(answer, dict) and "jsonrpc" in answer:
            # The number stays: another one is somebody else's answer, which is waited for.
            if "result" in answer and self.dice.random() < 0.9:
                return answer | {"result": self.changed(answer["result"])}
            return {"jsonrpc": "2.0", "id": answer.get("id"), "error": self.dice.choice(VALUES)}
        return self.changed(answer)

    def changed(self, answer: Any) -> Any:
        """The same with one to three places changed."""
        holder = [copy.deepcopy(answer)]
        for _ in range(self.dice.randint(1, 3)):
            self._change(holder)
        return holder[0]

    def _change(self, holder: list[Any]) -> None:
        places = _places(holder)
        parent, key = self.dice.choice(places)
        act = self.dice.choice(("replace", "replace", "replace", "remove", "twice", "swap"))
        if act == "remove" and parent is not holder:
            del parent[key]
        elif act == "twice" and isinstance(parent, list) and parent is not holder:
            parent.append(copy.deepcopy(parent[key]))
        elif act == "swap":
            other, name = self.dice.choice(places)
            parent[key] = copy.deepcopy(other[name])
        else:
            # A copy: the next change may be within it.
            parent[key] = copy.deepcopy(self.dice.choice(VALUES))

    def _broken(self, text: Any) -> bytes:
        content = text.encode() if isinstance(text, str) else bytes(text)
        at = self.dice.randrange(len(content) + 1)
        return self.dice.choice(
            (
                content[:at],
                content[:at] + b"\0" * 4096,
                content[:at] + b"\xff\xfe" + content[at:],
                b"\0" * len(content),
                content + content,
                b"[" * 100_000,
                content.replace(b"0", b"9" * 400),
                b"<html><body>502 Bad Gateway</body></html>",
                b"",
            )
        )


def _places(holder: list[Any]) -> list[tuple[Any, Any]]:
    """(container, key) of everything within."""
    found: list[tuple[Any, Any]] = []
    waiting: list[Any] = [holder]
    while waiting:
        container = waiting.pop()
        keys = range(len(container)) if isinstance(container, list) else list(container)
        for key in keys:
            found.append((container, key))
            if isinstance(container[key], dict | list):
                waiting.append(container[key])
    return found
