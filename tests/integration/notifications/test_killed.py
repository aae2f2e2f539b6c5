"""kill -9 of workers and beat while they send: nothing is lost, and nothing is sent twice but what
was handed over in the very moment, and that with the same key."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from audit.models import AuditEvent
from launcher.environment import ROOT
from notifications import outbox, sending
from notifications.models import Delivery
from notifications.tasks import deliver
from tests.integration.dashboard.web import database
from tests.integration.notifications.servers import Receiver
from tests.waiting import wait_for

EVENTS = 8
State = Delivery.State


class Processes:
    """Real workers and beats on this test's database and broker, each in a process of its own."""

    def __init__(self, folder: Path, valkey: str) -> None:
        self.log = folder / "celery.log"
        self._env = os.environ | database() | {
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "TEST_REDIS_URL": valkey,
        }  # fmt: skip
        self.running: list[subprocess.Popen[bytes]] = []

    def worker(self, name: str) -> subprocess.Popen[bytes]:
        return self._start("worker", "--pool", "threads", "--concurrency", "4", "-n", f"{name}@%h",
                           "--without-mingle", "--without-gossip")  # fmt: skip

    def beat(self) -> subprocess.Popen[bytes]:
        return self._start("beat", "--pidfile=")

    def kill9(self, *gone: subprocess.Popen[bytes]) -> None:
        for process in gone:
            process.kill()
            process.wait()
            self.running.remove(process)

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        app = "tests.integration.notifications.app"
        with self.log.open("ab") as log:
            self.running.append(
                subprocess.Popen(
                    [sys.executable, "-m", "celery", "-A", app, *words],
                    cwd=ROOT,
                    env=self._env,
                    stdout=log,
                    stderr=log,
                )
            )
        return self.running[-1]


@pytest.fixture
def processes(tmp_path: Path, valkey: str) -> Iterator[Processes]:
    started = Processes(tmp_path, valkey)
    yield started
    started.kill9(*list(started.running))


def holder_of(port: int, among: list[subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    """The process that has the client's end of a TCP connection from that port."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {f"socket:[{line[9]}]" for line in lines if line[1].endswith(f":{port:04X}")}
    for process in among:
        for file in Path(f"/proc/{process.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if os.readlink(file) in inodes:
                    return process
    raise AssertionError(f"nobody of {among} is connected from {port}")


def later() -> None:
    """So much time passes that a claim counts as left behind."""
    sent = Delivery.objects.filter(state=State.SENDING)
    sent.update(claimed_at=timezone.now() - sending.CLAIM * 1.1)


@pytest.mark.timeout(300)
@pytest.mark.django_db(transaction=True)
def test_nothing_is_lost_and_nothing_is_sent_twice(
    ends: Callable[..., AuditEvent], hook: Receiver, processes: Processes
) -> None:
    outbox.read(timezone.now())  # another test's end may have emptied the table of the cursor
    each_second, _ = IntervalSchedule.objects.get_or_create(every=1, period="seconds")
    PeriodicTask.objects.create(name="deliver", task=deliver.name, interval=each_second)
    jobs = [ends("failed", f"sd{number}").job_id for number in range(EVENTS)]

    # 1. Everything is killed between claim and send: somebody has claimed, nobody got anything.
    hook.takes.clear()
    everything = [processes.worker("a"), processes.beat()]
    wait_for(lambda: hook.knocks, 60, f"somebody sends; {processes.log}")
    assert Delivery.objects.filter(state=State.SENDING).exists()
    processes.kill9(*everything)
    hook.takes.set()

    # 2. The one that sends is killed between the receiver's OK and its mark; the other goes on.
    killed: list[str] = []

    def kill_sender(port: int, key: str) -> None:
        if not killed and len(hook.got) == 3:
            killed.append(key)
            processes.kill9(holder_of(port, workers))

    hook.before_answer = kill_sender
    later()
    workers = [processes.worker("b"), processes.worker("c")]
    processes.beat()
    wait_for(lambda: killed, 60, f"a worker is killed; {processes.log}")
    later()
    wait_for(
        lambda: Delivery.objects.filter(channel="webhook", state=State.SENT).count() == EVENTS,
        60,
        f"all are sent; {processes.log}",
    )

    told = Counter(json.loads(body)["job_id"] for _, _, body in hook.got)
    keys = Counter(headers["Idempotency-Key"] for _, headers, _ in hook.got)
    assert set(told) == set(jobs)
    assert keys == {key: 2 if key in killed else 1 for key in keys} and len(keys) == EVENTS
    assert set(Delivery.objects.filter(channel="webhook").values_list("attempts", flat=True)) <= {
        1, 2,
    }  # fmt: skip
