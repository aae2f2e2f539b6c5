"""What a method of the NAS is: its name, its parameters, who may call it, and in which releases.

The methods themselves are listed at the end of the files that have them: system, auth, disks,
pools, selftests, core. The transports know nothing but this.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import Invalid, invalid
from .releases import ORDER, Release

REQUIRED = object()

#: What is said of a value of another type: before pydantic, and in its words.
_TYPES: dict[type, tuple[str, str]] = {
    str: ("Not a string", "Input should be a valid string"),
    int: ("Not an integer", "Input should be a valid integer"),
    bool: ("Not a boolean", "Input should be a valid boolean"),
    list: ("Not a list", "Input should be a valid list"),
    dict: ("A dict was expected", "Input should be a valid dictionary"),
}
_REQUIRED = ("attribute required", "Field required")
_UNEXPECTED = ("Field was not expected", "Extra inputs are not permitted")


@dataclass(frozen=True)
class Parameter:
    """One parameter: None is taken where it is the default or `null` says so; `types` empty takes
    anything."""

    name: str
    types: tuple[type, ...] = ()
    default: Any = REQUIRED
    null: bool = False

    def called(self, release: Release) -> str:
        """Pydantic takes no hyphen in a name."""
        return self.name.removeprefix("query-") if release.pydantic else self.name


def needs(name: str, *types: type) -> Parameter:
    return Parameter(name, types)


def takes(name: str, default: Any, *types: type) -> Parameter:
    return Parameter(name, types, default, null=default is None)


FILTERS = takes("query-filters", [], list)
OPTIONS = takes("query-options", {}, dict)


@dataclass(frozen=True)
class Method:
    """
    Attributes:
        name: "disk.query".
        function: called with the parameters, after the Session where `session` is set.
        since, until: the releases that have it.
        private_since: the release from which it is there, but no part of the API.
        no_auth: needs no login.
        item: its first parameter is an id, which REST takes from the path.
        job: it returns a Job.
        changes: a key that may only read may not call it.
        websocket_only: REST doesn't have it.
    """

    name: str
    function: Callable[..., Any]
    parameters: tuple[Parameter, ...] = ()
    since: str = ORDER[0]
    until: str = ORDER[-1]
    private_since: str | None = None
    session: bool = False
    no_auth: bool = False
    item: bool = False
    job: bool = False
    changes: bool = False
    websocket_only: bool = False

    @property
    def filterable(self) -> bool:
        return self.parameters == (FILTERS, OPTIONS)

    def private(self, release: Release) -> bool:
        return self.private_since is not None and release.has(self.private_since)

    def arguments(self, release: Release, params: Sequence[Any]) -> list[Any]:
        """One value for each parameter; Invalid where they don't fit."""
        found, wanted = len(params), len(self.parameters)
        if found > wanted:
            words = f"Too many arguments (expected {wanted}, found {found})"
            raise invalid("", words, errno.EINVAL)
        wrong: list[tuple[str, str, int]] = []
        values: list[Any] = []
        for index, parameter in enumerate(self.parameters):
            value = params[index] if index < found else parameter.default
            if value is REQUIRED:
                wrong.append((parameter.called(release), _REQUIRED[release.pydantic], errno.EINVAL))
            elif not _fits(parameter, value):
                words = _TYPES[parameter.types[0]][release.pydantic]
                if value is None and not release.pydantic:
                    words = "null not allowed"
                wrong.append((parameter.called(release), words, errno.EINVAL))
            values.append(value)
        if wrong:
            raise Invalid(wrong)
        return values


def _fits(parameter: Parameter, value: Any) -> bool:
    if not parameter.types or (value is None and parameter.null):
        return True
    if isinstance(value, bool) and bool not in parameter.types:
        return False
    return isinstance(value, parameter.types)


def fields(
    release: Release, where: str, value: dict[str, Any], allowed: dict[str, type]
) -> dict[str, Any]:
    """An object's fields, checked: Invalid names each that is unknown or of another type."""
    wrong = []
    for name, one in value.items():
        at = f"{where}.{name}"
        if name not in allowed:
            wrong.append((at, _UNEXPECTED[release.pydantic], errno.EINVAL))
        elif not _fits(Parameter(name, (allowed[name],)), one):
            wrong.append((at, _TYPES[allowed[name]][release.pydantic], errno.EINVAL))
    if wrong:
        raise Invalid(wrong)
    return value
