"""The middleware's filter_list: which rows, in which order, how many; as each release does it.

A filter is [field, operator, value], or ["OR", [filter, …]]; from 24.04 on a branch of OR may be a
list of filters. Orders are applied one after the other, so the last one counts most. CORE checks
nothing before: what makes no sense there breaks the method.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from .errors import NotFound, invalid
from .releases import Release

Row = dict[str, Any]
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "~": lambda found, value: re.match(value, found),
    "in": lambda found, value: found in value,
    "nin": lambda found, value: found not in value,
    "rin": lambda found, value: found is not None and value in found,
    "rnin": lambda found, value: found is not None and value not in found,
    "^": lambda found, value: found is not None and found.startswith(value),
    "!^": lambda found, value: found is not None and not found.startswith(value),
    "$": lambda found, value: found is not None and found.endswith(value),
    "!$": lambda found, value: found is not None and not found.endswith(value),
}
#: A query string's suffix: name__neq=ada0. Any other is taken as it is.
SUFFIXES = {"eq": "=", "neq": "!=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "regex": "~"}
OPTIONS: dict[str, type] = {
    "relationships": bool, "extend": str, "extend_context": str, "prefix": str, "extra": dict,
    "order_by": list, "select": list, "count": bool, "get": bool, "offset": int, "limit": int,
    "force_sql_filters": bool,
}  # fmt: skip
#: What only the middleware's own code may say, from 25.10 on.
INTERNAL = {"relationships", "extend", "extend_context", "prefix"}
TIME, NULLS_FIRST, NULLS_LAST = ".$date", "nulls_first:", "nulls_last:"
DEEPEST, MOST = 3, 10_000
MISSING = object()


def apply(release: Release, rows: list[Row], filters: Any, options: Any) -> Any:
    """The rows that match all filters, as the options want them: a list, a number or one row.

    Raises what the method of that release would: Invalid, NotFound, ValueError, TypeError.
    """
    given = {name: value for name, value in (options or {}).items() if value is not None}
    check(release, filters, given)
    is_core = release.system == "FreeBSD"
    matching = (row for row in rows if all(_matches(release, row, one) for one in filters))
    selected = given.get("select") or []
    if given.get("get") and filters and (not given.get("order_by") or is_core):
        for row in matching:
            return _select(release, row, selected)
        if not is_core:
            raise NotFound
    found = [_select(release, row, selected) for row in matching]
    if given.get("count"):
        return len(found)
    for order in given.get("order_by") or []:
        found = _ordered(release, found, order)
    if given.get("get"):
        if not found:
            raise NotFound
        return found[0]
    found = found[given.get("offset") or 0 :]
    return found[: given["limit"]] if given.get("limit") else found


# --- what makes no sense --------------------------------------------------------------------------
def check(release: Release, filters: Any, options: Row) -> None:
    """Which options there are, everywhere; from SCALE on what they and the filters say too."""
    names = ("filters", "options") if release.pydantic else ("query-filters", "query-options")
    at = "" if release.system == "FreeBSD" else f"{names[1]}."
    for name, value in options.items():
        wanted = OPTIONS.get(name)
        if wanted is None or (release.pydantic and name in INTERNAL):
            words = "Extra inputs are not permitted" if release.pydantic else (
                "Field was not expected")  # fmt: skip
            raise invalid(f"{at}{name}", words)
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise invalid(f"{at}{name}", _TYPES[wanted][release.pydantic])
    if release.system == "FreeBSD":
        return
    for name, look in (
        (names[0], lambda: _check_filters(release, filters)),
        (names[1], lambda: _check_options(release, options)),
    ):
        try:
            look()
        except (ValueError, TypeError, IndexError) as error:
            raise invalid(
                name, f"Value error, {error}" if release.pydantic else str(error)
            ) from None


_TYPES: dict[type, tuple[str, str]] = {
    bool: ("Not a boolean", "Input should be a valid boolean"),
    str: ("Not a string", "Input should be a valid string"),
    dict: ("A dict was expected", "Input should be a valid dictionary"),
    list: ("Not a list", "Input should be a valid list"),
    int: ("Not an integer", "Input should be a valid integer"),
}


def _check_filters(release: Release, filters: Any, depth: int = 0) -> None:
    if depth > DEEPEST:
        raise ValueError("query-filters max recursion depth exceeded")
    for one in filters:
        if len(one) == 2:
            name, branches = one
            if name != "OR":
                raise ValueError(f"Invalid operation: {name}")
            if not branches:
                raise ValueError("OR filter requires at least one branch.")
            for branch in branches:
                nested = release.has("24.04") and isinstance(branch[0], list)
                _check_filters(release, branch if nested else [branch], depth + 1)
            continue
        if len(one) != 3:
            raise ValueError(f"Invalid filter {one}")
        field, how, value = one
        folded = how[:1] == "C"
        if folded and how == "C~":
            raise ValueError(f"Invalid case-insensitive operation: {how}")
        if how[folded:] not in OPERATORS:
            raise ValueError(f"Invalid operation: {how}")
        if release.has("24.04") and isinstance(field, str) and field.endswith(TIME):
            _time(value)


def _check_options(release: Release, options: Row) -> None:
    if options.get("get") and (options.get("limit", 0) > 1 or options.get("offset")):
        raise ValueError("Invalid options combination. `get` implies a single result.")
    if release.has("25.10") and options.get("limit", 0) > MOST:
        raise ValueError(f"Options limit must be between 1 and {MOST}")
    for one in options.get("select", []) if release.has("24.04") else []:
        if isinstance(one, list) and len(one) != 2:
            raise ValueError(
                f"{one}: A select as list may only contain two parameters: the name of the "
                "parameter being selected, and the name to which to assign it in resulting data."
            )


def _time(text: Any) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValueError(f"{text}: must be an ISO-8601 formatted timestamp string") from None


# --- filters --------------------------------------------------------------------------------------
def _matches(release: Release, row: Row, condition: Any) -> bool:
    if len(condition) == 2:
        name, branches = condition
        if name != "OR":
            raise ValueError(f"Invalid operation: {name}")
        if not release.has("24.04"):
            return any(_holds(release, row, *branch) for branch in branches)
        return any(
            all(_matches(release, row, one) for one in branch)
            if isinstance(branch[0], list)
            else _matches(release, row, branch)
            for branch in branches
        )
    if len(condition) != 3:
        raise ValueError(f"Invalid filter {condition}")
    return _holds(release, row, *condition)


def _holds(release: Release, row: Row, field: str, how: str, value: Any) -> bool:
    left, star, right = field.partition("*.")
    if star and release.has("24.10"):  # any element of a list
        rows = get(row, left.rstrip(".")) or []
        return any(_holds(release, one, right, how, value) for one in rows)
    found = get(row, field, MISSING if release.has("24.10") else None)
    if found is MISSING:
        return False  # no operator holds of a field that isn't there
    if release.has("24.04") and field.endswith(TIME) and isinstance(found, int):
        moment = _time(value)
        value = moment.timestamp() * 1000
    if how[:1] == "C" and release.system == "Linux":
        how, found, value = how[1:], _folded(found), _folded(value)
    if how not in OPERATORS:
        raise ValueError(f"Invalid operation: {how}")
    if how == "nin" and found is None and release.has("23.10"):
        return False
    if how == "~" and release.has("25.04"):
        found = found or ""
    return bool(OPERATORS[how](found, value))


def _folded(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [one.casefold() for one in value]
    return None if value is None else value.casefold()


def get(row: Any, path: str, default: Any = None) -> Any:
    """row["a"]["b"][0] for "a.b.0"; a dot of a name is written \\\\."""
    for name in re.split(r"(?<!\\)\.", path):
        name = name.replace("\\.", ".")
        if isinstance(row, dict):
            row = row.get(name, default)
        elif isinstance(row, list):
            row = row[int(name)] if int(name) < len(row) else None
    return row


# --- options --------------------------------------------------------------------------------------
def _select(release: Release, row: Row, wanted: list[Any]) -> Row:
    """Up to 22.12 only whole fields; then parts of them, where they are; from 24.04 on under
    another name too."""
    if not wanted:
        return row
    if not release.has("23.10"):
        return {name: row[name] for name in wanted if name in row}
    entry: Row = {}
    for one in wanted:
        path, told = one if isinstance(one, list) and release.has("24.04") else (one, None)
        value = get(row, path, MISSING)
        if value is MISSING or (value is None and not release.has("24.04")):
            continue
        if told is not None:
            entry[told] = value
            continue
        *parents, last = re.split(r"(?<!\\)\.", path)
        place = entry
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return entry


def _ordered(release: Release, rows: list[Row], order: str) -> list[Row]:
    """Null values break an order that doesn't say where they go."""
    for prefix in (NULLS_FIRST, NULLS_LAST) if release.system == "Linux" else ():
        if order.startswith(prefix):
            order = order.removeprefix(prefix)
            name = order.removeprefix("-")
            told = {id(row): row.get(name) if release.has("24.10") else row[name] for row in rows}
            nulls = [row for row in rows if told[id(row)] is None]
            others = [row for row in rows if told[id(row)] is not None]
            others = _ordered(release, others, order)
            return nulls + others if prefix == NULLS_FIRST else others + nulls
    name = order.removeprefix("-")
    key = (lambda row: row[name]) if release.system == "FreeBSD" else (lambda row: get(row, name))
    return sorted(rows, key=key, reverse=order.startswith("-"))


# --- by REST --------------------------------------------------------------------------------------
def of_query_string(
    pairs: list[tuple[str, str]], with_extra: bool = False
) -> tuple[list[list[Any]], Row]:
    """Filters and options. CORE knows no `extra.`, which becomes a filter like any other; SCALE
    does, `with_extra`. `sort` becomes an option that no method has."""
    filters: list[list[Any]] = []
    options: Row = {}
    for key, text in pairs:
        if key in ("limit", "offset", "count"):
            options[key] = _converted(text)
        elif key == "sort":
            options[key] = [_converted(one) for one in text.split(",")]
        elif with_extra and key.startswith("extra."):
            options.setdefault("extra", {})[key.removeprefix("extra.")] = _json(text)
        else:
            name, _, suffix = key.partition("__")
            how = SUFFIXES.get(suffix, suffix) if suffix else "="
            filters.append([name, how, _literal(text)])
    return filters, options


def _converted(text: str) -> Any:
    if text.isdigit():
        return int(text)
    return {"true": True, "false": False}.get(text.lower(), text)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _literal(text: str) -> Any:
    if text.lower() in ("true", "false", "null") or text.isdigit():
        return json.loads(text.lower())
    return text
