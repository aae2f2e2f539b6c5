"""Every address of the site × hostile forms: no 5xx, no exception, no hang.

FUZZ_TIMES is how often each address is tried, FUZZ_SEED where the turns begin: other numbers try
other things, the same numbers the same.
"""

from __future__ import annotations

import os
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from tests.integration.dashboard.conftest import a_user
from tests.integration.dashboard.test_roles import routes
from tests.matrix.fuzz.forms import METHODS, Attacker
from tests.matrix.fuzz.hostile import BODIES
from tests.matrix.fuzz.shelf import plausible, shelf

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(120)]
TIMES = int(os.environ.get("FUZZ_TIMES", "24"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))


@pytest.mark.parametrize("route", routes())
def test_no_form_breaks_it(route: str, valkey: str) -> None:
    """As an admin, to get as far as one can; in zones on either side of UTC."""
    shelf()
    client = Client()
    admin = a_user("admin", is_superuser=True)
    for seed, zone in enumerate(("America/New_York", "Pacific/Kiritimati")):
        with timezone.override(ZoneInfo(zone)):
            client.force_login(admin)
            attacker = Attacker(client, SEED + 45 * seed)
            attacker.try_route(route, TIMES // 2, plausible())
            assert attacker.sent >= min(TIMES // 2, 10)


@pytest.mark.parametrize("route", routes(by_itself=True))
def test_no_body_breaks_the_api(route: str, valkey: str) -> None:
    """Those that its schema doesn't allow, and that are no JSON at all."""
    shelf()
    client = Client()
    client.force_login(a_user("admin", is_superuser=True))
    attacker = Attacker(client, SEED)
    attacker.try_bodies(route, plausible())
    assert attacker.sent == len(BODIES) * len(METHODS)
