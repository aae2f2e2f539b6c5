"""`.env.example` lists every setting of the code, with its default."""

from __future__ import annotations

import ast
import re

from launcher.environment import ROOT

#: A setting as the file shows it: commented out, with its default.
LINE = re.compile(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)
READERS = {
    "text", "whole", "number", "truth", "choice", "url", "database", "networks", "listed"
}  # fmt: skip


#: The field's own names, with the defaults that people know them by.
KNOWN = {
    "APP_HOST": "0.0.0.0", "APP_PORT": "8080", "APP_URL": "", "SECRET_KEY": "",
    "ADMIN_USER": "", "ADMIN_PASSWORD": "", "DB_PATH": "", "DATABASE_URL": "",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "TRUENAS_BASE_URL": "", "TRUENAS_API_KEY": "mock-key", "TRUENAS_VERIFY_TLS": "true",
    "TRUENAS_ALLOW_HTTP": "false", "TRUENAS_SSH_HOST": "", "TRUENAS_SSH_PORT": "22",
    "TRUENAS_SSH_USER": "root", "TRUENAS_SSH_KEY_FILE": "", "TRUENAS_SSH_HOST_KEY": "",
    "POLL_INTERVAL_SECONDS": "12", "STALE_THRESHOLD_SECONDS": "45",
    "MAX_PARALLEL_BURNINS": "2", "SURFACE_PASSES": "2",
    "SURFACE_VALIDATE_SECONDS": "45", "IO_VALIDATE_SECONDS": "25",
    "TEMP_START_MAX_C": "50", "TEMP_PAUSE_C": "55", "TEMP_RESUME_C": "48", "TEMP_ABORT_C": "62",
    "STUCK_JOB_HOURS": "24", "LOG_LEVEL": "INFO", "LOG_FORMAT": "json", "TZ": "",
    "ALLOWED_IPS": "", "TRUSTED_PROXIES": "",
    "SMTP_HOST": "", "SMTP_MODE": "starttls", "SMTP_PORT": "587", "SMTP_USER": "",
    "SMTP_PASSWORD": "", "SMTP_FROM": "", "SMTP_TO": "", "SMTP_REPORT_HOUR": "8",
    "SMTP_ALERT_ON_FAIL": "true", "SMTP_ALERT_ON_PASS": "false",
    "WEBHOOK_URL": "", "WEBHOOK_SECRET": "",
}  # fmt: skip


def in_code() -> dict[str, object]:
    """Each setting's name, and its default where that is a plain value, else None."""
    found: dict[str, object] = {"SECRET_KEY": None}
    tree = ast.parse((ROOT / "burnin_site" / "settings.py").read_text())
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and (node.func.value.id, node.func.attr in READERS) == ("env", True)
        ):
            name, *default = [
                argument.value if isinstance(argument, ast.Constant) else None
                for argument in node.args[:2]
            ]
            found[str(name)] = default[0] if default else ""
    return found


def in_file() -> dict[str, str]:
    return dict(LINE.findall((ROOT / ".env.example").read_text()))


def test_every_setting_is_listed_and_no_other() -> None:
    assert set(in_file()) == set(in_code())


def test_the_defaults_are_those_of_the_code() -> None:
    shown = in_file()
    for name, default in in_code().items():
        if default is not None:
            word = str(default).lower() if isinstance(default, bool) else str(default)
            assert shown[name] == word, name


def test_what_people_know_from_elsewhere_keeps_its_name_and_default() -> None:
    shown = in_file()
    assert {name: shown.get(name) for name in KNOWN} == KNOWN


def test_no_setting_is_in_force_by_mere_copying() -> None:
    assert not re.search(r"^[A-Z]", (ROOT / ".env.example").read_text(), re.MULTILINE)
