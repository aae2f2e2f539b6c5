"""Whatever the host has against writing a drive stands on the page and in the API, with its
reason; and nothing is created."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test import Client

from audit.models import AuditEvent, Kind
from burnin.models import Job
from drives import poll
from drives.models import Drive
from tests.integration.dashboard.conftest import as_
from tests.integration.dashboard.test_api import Call, call
from tests.integration.rows import system_of
from tests.nas import MockNas
from truenas_mock.guard import FACTS

__all__ = ["as_", "call"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]
#: None of the mock's own pool.
NAMES = [f"sd{letter}" for letter in "abcdefghkl"]
GROUPS = [FACTS[at : at + len(NAMES)] for at in range(0, len(FACTS), len(NAMES))]


@pytest.fixture(scope="module")
def nas(ssh_keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockNas]:
    started = MockNas(tmp_path_factory.mktemp("nas"), ssh_keys, speed=1).start()
    yield started
    started.stop()


@pytest.mark.parametrize("state", ["in_use", "unknown", "old_data"])
@pytest.mark.parametrize("facts", GROUPS, ids=lambda facts: f"{facts[0]} to {facts[-1]}")
def test_each_fact_is_named(
    nas: MockNas, as_: Callable[[str], Client], call: Call, facts: tuple[str, ...], state: str
) -> None:
    nas.debug("reset")
    words = {}
    for name, fact in zip(NAMES, facts, strict=False):
        words[name] = f"of <{fact}> it is said: {state}"
        nas.debug(f"drive/{name}", {"use": [{"fact": fact, "state": state, "detail": words[name]}]})
    system = system_of(nas)
    assert poll.run(system.pk)
    drives = {drive.devname: drive for drive in Drive.objects.filter(devname__in=words)}
    ids = [drive.pk for drive in drives.values()]
    admin = as_("admin")

    many = admin.get("/batch/verdicts", {"drives": ",".join(map(str, ids))}).content.decode()
    one = admin.get(f"/drives/{ids[0]}/guard").content.decode()
    for page, shown in (
        (many, words.values()),
        (one, [words[Drive.objects.get(pk=ids[0]).devname]]),
    ):
        for reason in shown:
            assert html.escape(reason[1:]) in page, (reason, page)
            assert reason not in page, "it is no markup"
    releasable = many.count("data-release-box")
    assert releasable == (len(words) if state == "old_data" else 0)

    wish = {"drive_ids": ids, "confirm_destructive": True}
    status, body = call("operator", "post", "burnin/start", wish)
    assert status == 409, body
    told = {outcome["drive_id"]: outcome["reasons"] for outcome in body["outcomes"]}
    for name, drive in drives.items():
        assert told[drive.pk] == [words[name]]
    events = AuditEvent.objects.filter(kind=Kind.BURNIN_REFUSED)
    assert {words[name] in " ".join(event.note for event in events) for name in drives} == {True}
    assert not Job.objects.exists() and nas.debug("state")["runs"] == []
