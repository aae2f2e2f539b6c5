"""What the work at hand is about: ids that stand in each of its log lines, and go with a task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Ids = dict[str, str | int]

_ids: ContextVar[Ids] = ContextVar("about", default={})  # noqa: B039  (never changed in place)


def current() -> Ids:
    """Names (request, task, system, drive, job) to ids; empty where nothing is known."""
    return _ids.get()


@contextmanager
def about(**ids: str | int | None) -> Iterator[None]:
    """Within it these ids are known beside the ones before; those that are None are left out."""
    token = _ids.set(_ids.get() | {name: id_ for name, id_ in ids.items() if id_ is not None})
    try:
        yield
    finally:
        _ids.reset(token)


def replace(ids: Ids) -> None:
    """From now on these ids and no others, in this thread or coroutine."""
    _ids.set(ids)
