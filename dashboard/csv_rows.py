"""CSV that a spreadsheet opens without running anything of it."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse

#: A cell that begins so is a formula to a spreadsheet.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

#: For what is streamed. Django's middleware packs each piece of an async stream on its own, and
#: browsers read the first of them only.
UNPACKED = {"Content-Encoding": "identity"}


def cell(value: Any) -> Any:
    """Text as text; times in UTC; nothing as an empty cell."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, int | float):
        return value
    text = str(value).replace("\0", "")
    return f"'{text}" if text.startswith(FORMULA) else text


def line(values: Sequence[Any]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([cell(value) for value in values])
    return out.getvalue()


def csv_file(name: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    """A whole file."""
    body = line(head) + "".join(line(row) for row in rows)
    return HttpResponse(body, content_type="text/csv; charset=utf-8", headers=_attached(name))


def csv_stream(
    name: str, head: Sequence[str], rows: AsyncIterator[Sequence[Any]]
) -> StreamingHttpResponse:
    """A file of any length, a piece at a time."""
    headers = _attached(name) | UNPACKED

    async def pieces() -> AsyncIterator[str]:
        yield line(head)
        piece: list[str] = []
        async for row in rows:
            piece.append(line(row))
            if len(piece) == 200:
                yield "".join(piece)
                piece = []
        yield "".join(piece)

    return StreamingHttpResponse(pieces(), content_type="text/csv; charset=utf-8", headers=headers)


def _attached(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
