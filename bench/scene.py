"""The product's web server with a filled database, and nobody behind it."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from launcher import ports
from launcher.services import WEB, Services, valkey_url
from launcher.supervisor import Supervisor


class Scene:
    """Use as a context. `url` is the home page, `session` the cookie of an operator."""

    def __init__(self, folder: Path, drives: int, running: int) -> None:
        self.folder, self.drives, self.running = folder, drives, running
        self.ports = ports.kept(folder / "ports.json", ["valkey", "web"])
        self.url = f"http://127.0.0.1:{self.ports['web']}/"
        self.session = ""
        self._supervisor = Supervisor(folder, lambda _: None)

    def __enter__(self) -> Scene:
        self._supervisor.__enter__()
        env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        env |= {
            "BURNIN_ENV_FILE": "",
            "DB_PATH": str(self.folder / "app.db"),
            "SECRET_KEY": "only-for-measuring-" + "x" * 40,
            "REDIS_URL": valkey_url(self.folder, self.ports["valkey"]),
            "APP_URL": self.url,
            "STALE_THRESHOLD_SECONDS": "86400",
        }
        port = self.ports["web"]
        services = Services(self.folder, self._supervisor, env, host="127.0.0.1", port=port)
        services.start_valkey(self.ports["valkey"])
        services.prepare(ADMIN_USER="alice", ADMIN_PASSWORD="only for measuring")
        self._fill(env)
        command = [*WEB, "-b", "127.0.0.1", "-p", str(port), "burnin_site.asgi:application"]
        web = self._supervisor.start("web", command, env)
        services.wait_for_page(web)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._supervisor.__exit__(kind, error, trace)

    def warm(self, number: int) -> tuple[int, int]:
        """Change one drive's temperature, not announced yet; its id and °C."""
        from drives.models import Drive

        drive = Drive.objects.order_by("pk")[number % 15 + 1]
        celsius = 20 + number % 5 if (drive.temperature_c or 0) > 25 else 41
        Drive.objects.filter(pk=drive.pk).update(temperature_c=celsius)
        return drive.pk, celsius

    def announce(self, drive_id: int) -> None:
        from live.changes import changed

        changed([drive_id])

    def _fill(self, env: dict[str, str]) -> None:
        os.environ.update(env, DJANGO_SETTINGS_MODULE="burnin_site.settings")
        # Playwright runs an event loop in this thread.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
        import django

        django.setup()
        from django.contrib.auth.models import User
        from django.test import Client

        from . import shelf

        shelf.fill(self.drives, self.running)
        client = Client()
        client.force_login(User.objects.get(username="alice"))
        self.session = client.cookies["sessionid"].value
