"""What a method can refuse with. Each transport has its own shape for them."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any

#: The middleware's own error numbers, beside the system's.
ENOMETHOD, ENOTAUTHENTICATED = 201, 207
_OWN = {ENOMETHOD: "ENOMETHOD", ENOTAUTHENTICATED: "ENOTAUTHENTICATED"}


def name(number: int) -> str:
    """ENOENT for 2."""
    return _OWN.get(number) or errno.errorcode.get(number, "EUNKNOWN")


class CallError(Exception):
    """A method's own refusal."""

    def __init__(self, message: str, number: int = errno.EFAULT, extra: Any = None) -> None:
        super().__init__(message)
        self.message, self.number, self.extra = message, number, extra

    def __str__(self) -> str:
        return f"[{name(self.number)}] {self.message}"


class Invalid(Exception):
    """Parameters that make no sense: [(attribute, message, errno)]."""

    def __init__(self, errors: Sequence[tuple[str | None, str, int]]) -> None:
        super().__init__(errors)
        self.errors = list(errors)

    def __str__(self) -> str:
        return "\n".join(
            f"[{name(number)}] {'ALL' if attribute == '' else attribute}: {message}"
            for attribute, message, number in self.errors
        )


class InstanceNotFound(Invalid):
    """What get_instance says: one error, of no attribute."""

    def __init__(self, kind: str, ident: Any) -> None:
        super().__init__([(None, f"{kind} {ident} does not exist", errno.ENOENT)])


class NotFound(Exception):
    """`get` matched nothing."""


def class_of(error: Exception) -> str:
    """By the name that it has in the middleware."""
    named = {Invalid: "ValidationErrors", NotFound: "MatchNotFound"}
    return named.get(type(error), type(error).__name__)


def invalid(attribute: str, message: str, number: int = errno.EINVAL) -> Invalid:
    return Invalid([(attribute, message, number)])
