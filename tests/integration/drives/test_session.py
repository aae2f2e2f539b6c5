"""The kept JSON-RPC session: what it survives, and what it doesn't do twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from websockets.protocol import State

from drives.truenas.session import (
    BIGGEST_QUESTION_BYTES,
    Broken,
    Login,
    Session,
    forget_all,
    kept,
)
from drives.truenas.types import NasError
from tests.integration.truenas_mock.site import Site
from tests.waiting import wait_for


@pytest.fixture(scope="module")
def nas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("nas"), "25.10")
    yield site
    site.stop()


@pytest.fixture
def session(nas: Site) -> Iterator[Session]:
    nas.debug("reset")
    url = f"http://127.0.0.1:{nas.port}"
    one = Session(Login(url, "mock-key", user="root", verify_tls=False, allow_http=False))
    assert one.ask("core.ping") == "pong"
    yield one
    one.close()


def drop(nas: Site, session: Session) -> None:
    """As nginx does after a minute of silence, and a restart of the middleware."""
    nas.debug("restart-middleware", seconds=0)
    socket = session._socket
    assert socket is not None
    wait_for(lambda: socket.state is State.CLOSED, 10, "the connection is gone")


def test_after_a_silence_it_is_tried_before_anything_is_changed(
    nas: Site, session: Session
) -> None:
    drop(nas, session)
    session._used_at -= 100
    assert session.tell("core.ping") == "pong", "by a new one"


def test_what_changes_something_is_never_asked_twice(nas: Site, session: Session) -> None:
    drop(nas, session)
    with pytest.raises(Broken):
        session.tell("core.ping")
    assert session.tell("core.ping") == "pong"


def test_what_only_reads_is_asked_once_more(nas: Site, session: Session) -> None:
    drop(nas, session)
    assert session.ask("system.version") == "TrueNAS-25.10.6"


def test_a_session_that_the_nas_has_ended_is_opened_anew(nas: Site, session: Session) -> None:
    """The connection lives, the login doesn't: without another one every call would fail for ever.
    What it refused for that it hasn't done."""
    for call in (session.ask, session.tell):
        nas.faults.add({"what": "401", "times": 1, "path": "/disk"})
        assert len(call("disk.query")) == 15
    nas.faults.add({"what": "401", "times": 2, "path": "/disk"})
    with pytest.raises(NasError, match="Not authenticated"):
        session.ask("disk.query")
    assert len(session.ask("disk.query")) == 15


def test_a_question_that_the_nas_would_hang_up_on_is_not_sent(session: Session) -> None:
    names = ["x" * BIGGEST_QUESTION_BYTES]
    with pytest.raises(NasError, match="bigger than the NAS takes"):
        session.ask("disk.temperatures", names)
    assert session.ask("core.ping") == "pong"


def test_one_login_serves_many_polls_and_a_changed_key_ends_it(nas: Site) -> None:
    nas.debug("reset")
    login = Login(f"http://127.0.0.1:{nas.port}", "mock-key", "root", False, False)
    try:
        one = kept(login)
        one.ask("disk.query")
        socket = one._socket
        assert kept(login) is one
        kept(login).ask("pool.query")
        assert one._socket is socket is not None
        other = kept(replace(login, api_key="mock-key-readonly"))
        assert other.ask("core.ping") == "pong"
        assert one._socket is None and socket.state is State.CLOSED, "nobody is left on the old key"
    finally:
        forget_all()


def test_which_methods_there_are_is_asked_once_a_session(nas: Site, session: Session) -> None:
    start = "smart.test.manual_test"
    nas.faults.add({"what": "500", "times": 1, "path": "/core/get_methods"})
    assert session.has(start) is None, "it can't be told: the version decides"
    assert session.has(start) is False
    nas.faults.add({"what": "500", "times": 1, "path": "/core/get_methods"})
    assert session.has(start) is False, "not asked again"
    drop(nas, session)
    session._used_at -= 100
    session.tell("core.ping")
    assert session.has(start) is None, "after a restart it is: it may be another release"
