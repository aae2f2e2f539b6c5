"""Pages of a list: `limit` and `offset` in, `items` and `count` out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from ninja import Field, Schema
from pydantic import AfterValidator

MOST = 500
T = TypeVar("T")
M = TypeVar("M", bound=Model)


def _utc(moment: datetime) -> datetime:
    """Any zone that a program may write; databases don't take all of them. Without one: UTC."""
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError("No such time") from None


Moment = Annotated[datetime, AfterValidator(_utc)]


class PageIn(Schema):
    limit: int = Field(100, ge=1, le=MOST)
    offset: int = Field(0, ge=0, le=10**9)


class Page(Schema, Generic[T]):
    """`count` is how many there are in all."""

    items: list[T]
    count: int


def page_of(
    found: QuerySet[M] | Sequence[Any], wanted: PageIn, shape: Callable[[Any], T]
) -> dict[str, Any]:
    """That part of what was found."""
    count = found.count() if isinstance(found, QuerySet) else len(found)
    part = found[wanted.offset : wanted.offset + wanted.limit]
    return {"items": [shape(each) for each in part], "count": count}
