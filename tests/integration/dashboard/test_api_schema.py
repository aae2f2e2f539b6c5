"""Every operation of the API, called with whatever its own description allows and with what it
doesn't: no 5xx, and each answer as described."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from burnin.models import Job, JobState
from dashboard import tokens
from dashboard.api.v1 import api
from drives.models import Drive, SmartReading, System, TemperatureSample
from tests.integration.dashboard.conftest import a_user
from tests.integration.rows import a_drive, a_job, a_system, now

#: What every answer is held against.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
EXAMPLES = 12


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Requests of this process leave the test's connection open, as Django's own client does."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def described(db: None, one_connection: None) -> Any:
    """The schema, with its server: a token of an admin, and something to be found."""
    system = a_system()
    for name in ("sda", "sdb"):
        drive = a_drive(system, name, serial=f"S{name}", identity=f"S{name}|")
        SmartReading.objects.create(
            drive=drive, taken_at=now(), health="ok", counters={"reallocated_sectors": 0}
        )
        TemperatureSample.objects.create(drive=drive, taken_at=now(), celsius=35)
    a_job(drive, state=JobState.PASSED, holds_drive=False)
    owner = a_user("admin")
    _, text = tokens.issue(owner, name="fuzz", role="admin", expires_at=None)
    schema = schemathesis.openapi.from_dict(api.get_openapi_schema())
    schema.app = get_wsgi_application()
    headers = {"Authorization": f"Bearer {text}", "Accept-Encoding": "identity"}
    schema.config.update(headers=headers, base_url="http://localhost")
    return schema


#: Method and path of all but the stream of events, which has no end.
OPERATIONS = [
    (method, path)
    for path, methods in api.get_openapi_schema()["paths"].items()
    for method in methods
    if path != "/api/v1/events"
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("method, path", OPERATIONS)
def test_it_answers_as_described(method: str, path: str, described: Any) -> None:
    turns = cycle([True, False])

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=described[path][method].as_strategy())
    def right(case: Case) -> None:
        if next(turns):
            # Numbers that are there; by chance it would hardly ever hit one.
            there = {
                "drive_id": Drive.objects.last(),
                "job_id": Job.objects.last(),
                "system_id": System.everything.last(),
            }
            for name in case.path_parameters:
                case.path_parameters[name] = there[name].pk
        case.call_and_validate(checks=CHECKS)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=described[path][method].as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def wrong(case: Case) -> None:
        case.call_and_validate(checks=CHECKS)

    right()
    if described[path][method].body or described[path][method].query:
        wrong()
