"""`./run up`: the product with the settings of `.env` and of the environment, until Ctrl-C."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from . import environment, ports
from .demo import say
from .environment import PYTHON, ROOT
from .errors import Trouble
from .services import SETUP_CODE, Services, valkey_url
from .supervisor import Supervisor

#: Tells what the settings are, or in one line which is wrong.
_ASK = """
import json, os, sys
from django.core.exceptions import ImproperlyConfigured
try:
    from burnin_site import settings as found
except ImproperlyConfigured as error:
    sys.exit(str(error))
print(json.dumps({
    "host": found.APP_HOST, "port": found.APP_PORT, "url": found.APP_URL,
    "data": str(found.DATA_DIR), "postgres": bool(os.environ.get("DATABASE_URL", "").strip()),
    "redis_url": os.environ.get("REDIS_URL", "").strip(),
}))
"""


@dataclass(frozen=True)
class Settings:
    """What the launcher must know of them. `redis_url` is empty for the embedded server."""

    host: str
    port: int
    url: str
    data: Path
    postgres: bool
    redis_url: str


def main(arguments: list[str]) -> int:
    if arguments:
        raise Trouble("up takes no options; its settings are in .env, see .env.example")
    environment.enter(environment.RUNTIME)
    began = time.monotonic()
    settings = ask_settings()
    _check_data(settings.data)
    try:
        with Supervisor(settings.data, say) as supervisor:
            told = _start(settings, supervisor)
            say(f"ready after {time.monotonic() - began:.1f} s\n\n{_welcome(settings, told)}")
            while True:
                supervisor.tend()
                time.sleep(0.2)
    except KeyboardInterrupt:
        say("stopped; burn-ins on a NAS go on there")
    return 0


def ask_settings() -> Settings:
    """Raises Trouble with the name of the setting that is wrong."""
    done = subprocess.run([str(PYTHON), "-c", _ASK], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise Trouble(" ".join(done.stderr.strip().splitlines()[-1:]) or "the settings are wrong")
    found = json.loads(done.stdout)
    return Settings(**found | {"data": Path(found["data"])})


def _start(settings: Settings, supervisor: Supervisor) -> str:
    """Start everything; what `prepare` told of the first admin."""
    if why := ports.why_not(settings.port, settings.host):
        raise Trouble(
            f"APP_HOST={settings.host} and APP_PORT={settings.port}: can't listen there ({why})"
        )
    env = os.environ | {"PYTHONUNBUFFERED": "1"}
    port = 0
    if settings.redis_url:
        _check_redis(settings.redis_url)
    else:
        port = ports.kept(settings.data / "ports.json", ["valkey"])["valkey"]
        env["REDIS_URL"] = valkey_url(settings.data, port)
    services = Services(settings.data, supervisor, env, host=settings.host, port=settings.port)
    if port:
        say("starting the broker")
        services.start_valkey(port)
    say("starting the database")
    try:
        told = services.prepare()
    except Trouble as trouble:
        raise _by_name(trouble, settings) from None
    say("starting web, worker and beat")
    services.wait_for_page(services.start_processes())
    return told


def _check_redis(url: str) -> None:
    import redis

    try:
        with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5) as server:
            server.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        said = " ".join(str(error).split())
        raise Trouble(f"REDIS_URL: no server answers there as it should ({said})") from None


def _check_data(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        environment.check_writable(folder)
    except (OSError, Trouble):
        raise Trouble(f"DB_PATH: {folder} can't be written") from None


def _by_name(trouble: Trouble, settings: Settings) -> Trouble:
    """What `prepare` refuses, by the setting that causes it."""
    _, refused, reason = str(trouble).partition("CommandError: ")
    if refused:
        return Trouble(reason)
    return Trouble(f"DATABASE_URL: {trouble}") if settings.postgres else trouble


def _welcome(settings: Settings, told: str) -> str:
    lines = [f"  Burn-in is at  {settings.url}"]
    for line in told.splitlines():
        if line.startswith(SETUP_CODE):
            code = line.removeprefix(SETUP_CODE).strip()
            lines += [
                f"  setup code     {code}",
                f"                 There is no admin yet: enter it once at {settings.url}/setup",
            ]
    lines += [
        "",
        "  A NAS is added with ./run manage add_system and looked at with",
        "  ./run manage check_system NAME; docs/connect.md goes through it step by step.",
        f"  Data and logs: {settings.data}. Ctrl-C stops everything but what runs on a NAS.",
    ]
    return "\n".join(lines)
