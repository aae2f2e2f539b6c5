"""SMART long (extended) self-test: the drive reads its whole surface, hours to days."""

from __future__ import annotations

from drives.models import SmartTest

from ..outcomes import Outcome
from . import Context, self_test


def begin(context: Context) -> Outcome:
    return self_test.begin(context, SmartTest.Type.LONG)


def check(context: Context) -> Outcome:
    return self_test.check(context, SmartTest.Type.LONG)


def stop(context: Context) -> bool:
    return self_test.stop(context, SmartTest.Type.LONG)
