"""What comes in, read once for all operations: no database stores a NUL, so none gets further."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from ninja.parser import Parser

from .problems import Problem


class StorableParser(Parser):
    """As the framework's own; a text with a NUL in it is a 422."""

    def parse_body(self, request: HttpRequest) -> Any:
        return _storable(super().parse_body(request))

    def parse_querydict(
        self, data: MultiValueDict[str, str], list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        return dict(_storable(super().parse_querydict(data, list_fields, request)))


def _storable(value: Any, name: str = "body") -> Any:
    if isinstance(value, str) and "\0" in value:
        words = "It has a NUL character in it"
        raise Problem(422, f"{name}: {words}", errors={name: [words]})
    if isinstance(value, dict):
        for key, each in value.items():
            _storable(key, name)
            _storable(each, str(key))
    elif isinstance(value, list):
        for each in value:
            _storable(each, name)
    return value
