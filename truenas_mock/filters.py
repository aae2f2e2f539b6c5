"""The middleware's filter_list: which rows, in which order, how many. Filters are [field, operator,
value]."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable
from typing import Any

from .errors import NotFound

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": lambda found, value: found is not None and found > value,
    ">=": lambda found, value: found is not None and found >= value,
    "<": lambda found, value: found is not None and found < value,
    "<=": lambda found, value: found is not None and found <= value,
    "~": lambda found, value: isinstance(found, str) and bool(re.match(value, found)),
    "in": lambda found, value: found in value,
    "nin": lambda found, value: found not in value,
    "rin": lambda found, value: found is not None and value in found,
    "rnin": lambda found, value: found is not None and value not in found,
    "!^": lambda found, value: isinstance(found, str) and not found.startswith(value),
    "!$": lambda found, value: isinstance(found, str) and not found.endswith(value),
    "^": lambda found, value: isinstance(found, str) and found.startswith(value),
    "$": lambda found, value: isinstance(found, str) and found.endswith(value),
}
#: A query string's suffix: name__neq=ada0.
SUFFIXES = {"neq": "!=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "regex": "~"}


class BadFilter(ValueError):
    """A filter or option that the middleware doesn't take."""


def field(row: Any, path: str) -> Any:
    """row["a"]["b"] for "a.b"; null where that leads nowhere."""
    for name in path.split("."):
        row = row.get(name) if isinstance(row, dict) else None
    return row


def apply(rows: list[dict[str, Any]], filters: Any, options: Any) -> Any:
    """The rows that match all filters, as the options want them: a list, a number or one row."""
    options = options or {}
    if not isinstance(filters, list) or not isinstance(options, dict):
        raise BadFilter("query-filters must be a list and query-options an object")
    found = [row for row in rows if all(_matches(row, one) for one in filters)]
    for order in reversed(options.get("order_by") or []):
        _sort(found, order.removeprefix("-"), reverse=order.startswith("-"))
    if options.get("count"):
        return len(found)
    if options.get("get"):
        if not found:
            raise NotFound
        return found[0]
    found = found[options.get("offset") or 0 :]
    found = found[: options["limit"]] if options.get("limit") else found
    if select := options.get("select"):
        return [{name: field(row, name) for name in select} for row in found]
    return found


def _sort(rows: list[dict[str, Any]], name: str, reverse: bool) -> None:
    rows.sort(key=lambda row: str(field(row, name)), reverse=reverse)


def _matches(row: dict[str, Any], condition: Any) -> bool:
    if not isinstance(condition, list):
        raise BadFilter("a filter must be a list")
    if len(condition) == 2 and condition[0] == "OR":
        return any(_matches(row, one) for one in condition[1])
    if len(condition) != 3 or condition[1] not in OPERATORS:
        raise BadFilter(f"invalid filter {condition}")
    name, how, value = condition
    return OPERATORS[how](field(row, name), value)


def of_query_string(
    pairs: list[tuple[str, str]], with_extra: bool = False
) -> tuple[list[list[Any]], dict[str, Any]]:
    """Filters and options. CORE knows no `extra.`, which becomes a filter like any other; SCALE
    does, `with_extra`."""
    filters: list[list[Any]] = []
    options: dict[str, Any] = {}
    for name, text in pairs:
        if with_extra and name.startswith("extra."):
            options.setdefault("extra", {})[name.removeprefix("extra.")] = _json(text)
        elif name in ("limit", "offset") and text.isdigit():
            options[name] = int(text)
        elif name == "count":
            options["count"] = text.lower() in ("1", "true")
        elif name != "sort":
            name, _, suffix = name.rpartition("__") if "__" in name else (name, "", "")
            filters.append([name, SUFFIXES.get(suffix, "="), _literal(text)])
    return filters, options


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _literal(text: str) -> Any:
    if text.lower() in ("true", "false", "null") or text.isdigit():
        return json.loads(text.lower())
    return text
