"""Canaries: secrets are planted everywhere, the product is used, crashed and asked by strangers,
and then all that it printed, stored or answered is searched for them."""

from __future__ import annotations

import os
import re
import socketserver
import subprocess
import sys
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from audit.events import record
from audit.models import AuditEvent, Kind
from burnin.models import Job
from burnin.tasks import poll_system
from config import runtime
from dashboard import first_admin
from dashboard.views.settings import TESTS
from drives.models import System
from launcher.environment import ROOT
from notifications import outbox, sending
from notifications.models import Cursor, Delivery
from notifications.tasks import send_channel
from tests.integration.dashboard.test_roles import address, routes
from tests.integration.dashboard.web import Web, database
from tests.integration.rows import a_drive, a_job, a_system
from tests.waiting import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(150)]

CANARIES = {
    "api key": "7-Canary" + "Ak" * 29,
    "api key that no header can carry": "canary-api-key\nwith-a-second-line",
    "ssh password": "canary-ssh-password",
    "password": "canary-password-1",
    "wrong password": "canary-wrong-password",
    "new password": "canary-new-password",
    "wrong code": "CANARYCODE",
    "secret key": "only-for-tests-",
    "broker password": "canary-broker-password",
    "mail password": "canary-mail-password",
    "webhook secret": "canary-webhook-secret",
    "chat token": "canary-chat-token",
}
#: An admin may see the webhook's address; who reads logs and events may not.
HOOK_TOKEN = "canary-webhook-address"


class EchoingNas(BaseHTTPRequestHandler):
    """A broken NAS, or a proxy before it, that sends back what it was sent."""

    def do_GET(self) -> None:
        body = f"internal error; your request was {self.headers}".encode()
        # A NAS without JSON-RPC is asked further, with its key.
        self.send_response(404 if self.path == "/api/versions" else 500)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def echoing_nas() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), EchoingNas)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def worker(tmp_path: Path, valkey: str) -> Iterator[Path]:
    """A Celery worker that logs all it can; gives its log."""
    log = tmp_path / "worker.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "tests.integration.canaries", "worker",
             "--pool", "threads", "--concurrency", "2", "--loglevel", "DEBUG"],
            cwd=ROOT, stdout=out, stderr=out, env=_environment(valkey),
        )  # fmt: skip
    try:
        wait_for(lambda: "ready." in log.read_text(), 30, f"the worker is ready: {log}")
        yield log
    finally:
        process.kill()
        process.wait()


def _environment(broker: str) -> dict[str, str]:
    return os.environ | database() | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "TEST_REDIS_URL": broker,
        "LOG_LEVEL": "DEBUG",
    }  # fmt: skip


def test_no_secret_is_ever_shown(
    tmp_path: Path, valkey: str, worker: Path, echoing_nas: str, capfd: Any
) -> None:
    web = Web(tmp_path, valkey, module="tests.integration.canaries", LOG_LEVEL="DEBUG")
    web.start()
    try:
        shown = _use(web, worker, echoing_nas)
    finally:
        web.kill9()
    out, err = capfd.readouterr()
    shown |= {"web.log": web.log, "worker.log": worker.read_text(), "here": out + err}
    # It did crash and fail, and told so: there was something to look through.
    for log in ("web.log", "worker.log"):
        assert "RuntimeError: can't log in with" in shown[log], log
    assert "your request was" in str(list(AuditEvent.objects.values_list("note")))
    told = shown["web.log"] + shown["worker.log"] + shown["here"] + _dump()
    assert HOOK_TOKEN not in told
    found = [
        f"{name} in {where}: …{text[max(0, at - 60) : at + 40]}…"
        for where, text in (shown | {"the database": _dump()}).items()
        for name, canary in CANARIES.items()
        for part in canary.split("\n")
        if (at := text.find(part)) >= 0
    ]
    assert found == []


def _a_system(name: str) -> System:
    system = a_system(name)
    system.api_key, system.ssh_password = CANARIES["api key"], CANARIES["ssh password"]
    system.save()
    return system


def _use(web: Web, worker: Path, echoing_nas: str) -> dict[str, str]:
    """Everything that anybody does, right and wrong; all answers by what was asked."""
    echoing, garbled, crashing = map(_a_system, ("echoing", "garbled", "crash"))
    garbled.api_key = CANARIES["api key that no header can carry"]
    for system in (echoing, garbled):
        system.base_url = echoing_nas
        system.save()
    job = a_job(a_drive(echoing))
    for system in (echoing, garbled, crashing):
        poll_system.apply_async([system.pk])
    ours = System.objects.filter(name__in=["echoing", "garbled"])
    wait_for(lambda: not ours.filter(last_error="").exists(), 30, "both were asked")
    wait_for(lambda: "RuntimeError" in worker.read_text(), 30, f"the crash is logged: {worker}")

    shown: dict[str, str] = {}
    people = requests.Session()
    people.headers["Origin"] = web.url
    shown["setup"] = _post(people, web, "/setup", code=CANARIES["wrong code"], user="olga")
    form = {"user": "olga", "password": CANARIES["password"], "again": CANARIES["password"]}
    shown["set up"] = _post(people, web, "/setup", code=first_admin.new_code(), **form)
    assert User.objects.get().is_superuser
    shown["wrong"] = _post(
        requests.Session(), web, "/login", user="olga", password=CANARIES["wrong password"]
    )
    _tell_the_world(people, web, shown, echoing_nas, job)
    form = {"password": CANARIES["new password"], "again": "another one"}
    shown["profile"] = _post(people, web, "/profile", old=CANARIES["wrong password"], **form)
    form["again"] = CANARIES["new password"]
    shown["mismatch"] = _post(people, web, "/profile", old=CANARIES["password"], **form)
    start = {"stages": "surface_validate", "passes": "1", "serial": job.drive.serial}
    shown["start"] = _post(people, web, f"/drives/{job.drive_id}/start", **start)
    for state in ("", "web"):
        System.objects.filter(name="crash").update(stopped=state)
        for route in routes():
            for accept in ("text/html", "application/json"):
                where = address(route, job)
                answer = people.get(web.url + where, headers={"Accept": accept})
                shown[f"GET {where} {accept} {state}"] = answer.text + str(answer.headers)
    assert "could not be made" in shown["GET / text/html web"]
    # What it says to whoever runs it.
    commands = (
        ["add_system", "new", "--base-url", "nonsense", "--ssh-host", "x", "--ssh-host-key", "x",
         "--api-key", CANARIES["api key"], "--ssh-key-file", "/nowhere"],
        ["prepare", "--verbosity", "1"],
    )  # fmt: skip
    for command in commands:
        done = subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=_environment(web.valkey),
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        shown[command[0]] = done.stdout + done.stderr
    return shown


def _tell_the_world(
    people: requests.Session, web: Web, shown: dict[str, str], echoing: str, job: Job
) -> None:
    """To a mail server, a webhook and a chat that send back what they were sent, and refuse it."""
    with _echoing_mail() as port:
        fields = {
            "smtp_host": "127.0.0.1", "smtp_mode": "plain", "smtp_user": "olga",
            "smtp_password": CANARIES["mail password"], "smtp_to": "ops@example.org",
            "webhook_url": f"{echoing}/{HOOK_TOKEN}", "webhook_allow_local": "on",
            "webhook_secret": CANARIES["webhook secret"],
            "apprise_urls": f"{echoing}/{CANARIES['chat token']}".replace("http", "json"),
        }  # fmt: skip
        shown["settings"] = _post(people, web, "/settings", **fields)
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(runtime.SMTP_MODES, "plain", ("Plain", port))
            for name, test in TESTS.items():
                shown[f"test {name}"] = str(test[0](runtime.current()))
                assert not test[0](runtime.current()).ok
        assert "535 what is" in shown["test connection"]
    Cursor.objects.get_or_create(only_one=True, defaults={"position": 0})
    with transaction.atomic():
        record(Kind.BURNIN_FAILED, "it failed", system=job.system, drive=job.drive, job_id=job.pk)
    outbox.read(timezone.now())
    Delivery.objects.update(next_try_at=timezone.now())
    for name in sending.channels_with_work(timezone.now()):
        send_channel.apply_async((name,))
    tried = Delivery.objects.filter(attempts__gt=0, state="waiting")
    wait_for(lambda: tried.count() == 3, 60, "mail, webhook and chat have failed")


@contextmanager
def _echoing_mail() -> Iterator[int]:
    """The port of a server that asks for a login, and says what it was sent when it refuses it."""

    class Echoing(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 hello\r\n")
            for line in self.rfile:
                if line.upper().startswith((b"EHLO", b"HELO")):
                    self.wfile.write(b"250-hello\r\n250 AUTH PLAIN\r\n")
                elif line.upper().startswith(b"AUTH PLAIN"):
                    sent = b64decode(line.split()[-1]).replace(b"\0", b" ")
                    self.wfile.write(b"535 what is" + sent + b"\r\n")
                else:
                    self.wfile.write(b"250 ok\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echoing) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def _post(session: requests.Session, web: Web, path: str, **form: str) -> str:
    page = session.get(web.url + ("/login" if path == "/login" else path)).text
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    form["csrfmiddlewaretoken"] = token[1] if token else ""
    headers = {"Origin": web.url}
    answer = session.post(web.url + path, form, headers=headers, allow_redirects=False)
    assert answer.status_code != 403, answer.text
    return answer.text


def _dump() -> str:
    """Every value of every table."""
    rows = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            rows.append(f"{table}: {cursor.fetchall()}")
    return "\n".join(rows)


def test_as_many_are_planted_as_the_documentation_says() -> None:
    assert f"plants {len(CANARIES)}, " in (ROOT / "docs" / "safety.md").read_text()


def test_a_stored_secret_is_encrypted_and_read_with_its_key_alone(settings: Any) -> None:
    from django.core.exceptions import ImproperlyConfigured

    system = _a_system("nas-1")
    stored = _dump()
    assert CANARIES["api key"] not in stored and CANARIES["ssh password"] not in stored
    again = System.objects.get(pk=system.pk)
    assert again.api_key == CANARIES["api key"]
    assert again.ssh_password == CANARIES["ssh password"]
    settings.SECRET_KEY = "another" * 8
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY") as error:
        System.objects.get(pk=system.pk)
    assert "Canary" not in str(error.value)


def test_a_broker_that_is_away_does_not_tell_its_password(tmp_path: Path, db: None) -> None:
    """The password stands in REDIS_URL, and Celery names the broker that it can't reach."""
    address = f"redis://:{CANARIES['broker password']}@127.0.0.1:1/0"
    log = tmp_path / "worker.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "burnin_site", "worker", "--pool", "threads",
             "--loglevel", "DEBUG"],
            cwd=ROOT, stdout=out, stderr=out, env=_environment(address),
        )  # fmt: skip
    try:
        wait_for(lambda: "127.0.0.1:1/" in log.read_text(), 30, f"it tells: {log}")
        wait_for(lambda: "onnect" in log.read_text(), 30, f"it can't connect: {log}")
    finally:
        process.kill()
        process.wait()
    assert CANARIES["broker password"] not in log.read_text()


def test_the_secret_key_is_kept_for_its_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from burnin_site.env import kept_secret_key

    monkeypatch.delenv("SECRET_KEY")
    key = kept_secret_key(tmp_path / "data" / "secret_key")
    assert (tmp_path / "data" / "secret_key").stat().st_mode & 0o777 == 0o600 and len(key) >= 50
