"""Releases as the mock plays them: the right dialect, the same view. All: tests/matrix/systems."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from drives.truenas import connect, session
from drives.truenas.session import Login
from drives.truenas.types import NasError, NasView
from tests.nas import MockNas
from tests.waiting import wait_for


@pytest.fixture(scope="module", params=["13.0", "24.04", "25.04", "26"])
def nas(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, ssh_keys: Path
) -> Iterator[MockNas]:
    found = MockNas(tmp_path_factory.mktemp("nas"), ssh_keys, release=request.param, speed=600)
    yield found.start()
    session.forget_all()
    found.stop()


def login(nas: MockNas, key: str = "mock-key", user: str = "") -> Login:
    return Login(nas.url, key, user, verify_tls=False, allow_http=False)


def view(nas: MockNas, **how: object) -> NasView:
    with connect.client(login(nas), **how) as client:  # type: ignore[arg-type]
        return client.view()


def test_the_view_of_each_release(nas: MockNas) -> None:
    seen = view(nas)
    line = seen.release.rpartition(" ")[2]
    assert len(seen.drives) == 15
    assert all(drive.serial and drive.size_bytes for drive in seen.drives)
    assert seen.dialect == ("JSON-RPC" if line >= "25.04" else "REST")
    assert len(seen.temperatures) == 15
    assert seen.jobs == ()
    assert seen.tests_by_api == (line <= "25.04")
    # By the version that it told, the same without asking which dialect it speaks.
    again = view(nas, known_version=seen.version)
    assert (again.drives, again.uses) == (seen.drives, seen.uses)


def test_a_version_that_is_known_no_more_finds_the_dialect_of_today(nas: MockNas) -> None:
    for version in ("TrueNAS-13.0-U6.1", "TrueNAS-25.10.6"):
        assert len(view(nas, known_version=version).drives) == 15


def test_a_wrong_key_is_refused_in_words(nas: MockNas) -> None:
    refused = pytest.raises(NasError, match="refuses the API key")
    with connect.client(login(nas, key="no-key")) as client, refused:
        client.view()


def test_rest_is_spoken_on_request_while_there_is_one(nas: MockNas) -> None:
    seen = view(nas, rest_wanted=True)
    assert seen.dialect == ("JSON-RPC" if seen.release == "TrueNAS 26" else "REST")


def test_a_kept_session_survives_a_restart_of_the_middleware(nas: MockNas) -> None:
    before = view(nas)
    nas.debug("restart-middleware")
    wait_for(lambda: _answers(nas), 60, "the middleware answers again")
    assert view(nas, known_version=before.version).drives == before.drives


def _answers(nas: MockNas) -> bool:
    try:
        return bool(view(nas).drives)
    except NasError:
        return False


@pytest.mark.parametrize("what", ["500", "401", "429", "garbage", "half", "deep", "cut"])
def test_a_fault_is_an_error_in_words_and_the_next_poll_is_well(nas: MockNas, what: str) -> None:
    """Once it is cut, JSON-RPC may have asked again: then there is no error, and the view holds."""
    nas.debug("fault", {"what": what, "path": "", "times": 2})
    try:
        assert len(view(nas).drives) == 15
    except NasError as error:
        assert str(error)
    nas.debug("fault", {})
    assert _answers(nas)


@pytest.mark.parametrize("what", ["garbage", "half", "deep"])
def test_an_answer_that_is_no_json_is_an_error_in_words(nas: MockNas, what: str) -> None:
    """Of every way in, in the middle of a session."""
    for path in ("disk.query", "/disk"):
        nas.debug("fault", {"what": what, "path": path})
    with pytest.raises(NasError):
        view(nas)
    nas.debug("fault", {})
    assert _answers(nas)


def test_a_user_belongs_to_the_key(nas: MockNas) -> None:
    """25.04 and later log in by user and key; older ones need the key alone."""
    with connect.client(login(nas, user="root")) as client:
        assert client.view().drives
    seen = view(nas)
    if seen.dialect == "JSON-RPC":
        refused = pytest.raises(NasError, match="somebody")
        with connect.client(login(nas, user="somebody")) as client, refused:
            client.view()


def test_no_key_goes_over_plain_http_to_another_machine() -> None:
    where = Login("http://192.0.2.1", "mock-key", "", verify_tls=False, allow_http=False)
    for version in ("", "TrueNAS-13.0-U6.1", "TrueNAS-25.10.6"):
        with pytest.raises(NasError, match="plain http"):
            connect.client(where, known_version=version)
