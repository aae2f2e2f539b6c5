"""One holder at a time; a dead one loses it; a late one is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from drives.leases import LENGTH, leased
from drives.models import System
from tests.integration.rows import a_system

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_second_taker_gets_nothing_until_the_first_is_done() -> None:
    rows = System.objects.filter(pk=a_system().pk)
    with leased(rows, "poll_lease") as first:
        assert first is not None
        with leased(rows, "poll_lease") as second:
            assert second is None
        with transaction.atomic():
            assert first.confirm()
    with leased(rows, "poll_lease") as third:
        assert third is not None
    row = rows.get()
    assert (row.poll_lease_until, row.poll_lease_holder) == (None, "")


def test_a_dead_holder_loses_it_and_is_told_when_it_was_only_asleep() -> None:
    rows = System.objects.filter(pk=a_system().pk)
    with leased(rows, "poll_lease") as sleeper:
        assert sleeper is not None
        rows.update(poll_lease_until=timezone.now() - LENGTH - timedelta(seconds=1))
        with leased(rows, "poll_lease") as other:
            assert other is not None
            assert not sleeper.confirm()
            assert other.confirm()


def test_a_lease_until_a_time_that_none_lasts_to_is_free() -> None:
    """A killed worker's, whose clock was set back since."""
    rows = System.objects.filter(pk=a_system().pk)
    rows.update(poll_lease_until=timezone.now() + timedelta(hours=3), poll_lease_holder="dead")
    with leased(rows, "poll_lease") as lease:
        assert lease is not None
