"""The product's settings as the tests want them: no `.env`, own data folder, fast passwords."""

from __future__ import annotations

import os
from pathlib import Path

_data = Path(__file__).resolve().parent.parent / "var" / "test"
_data.mkdir(parents=True, exist_ok=True)
# DATABASE_URL alone may come from outside: `./run test` runs the integration tests twice with it.
for _name in ("ADMIN_USER", "ADMIN_PASSWORD", "APP_URL", "ALLOWED_IPS"):
    os.environ.pop(_name, None)
for _name in [name for name in os.environ if name.startswith(("TRUENAS_", "SURFACE_", "SMTP_"))]:
    del os.environ[_name]
os.environ.update(
    BURNIN_ENV_FILE="",
    DB_PATH=str(_data / "app.db"),
    SECRET_KEY="only-for-tests-" + "x" * 40,
    REDIS_URL=os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:1/0"),
)

from burnin_site.settings import *  # noqa: E402, F403
from burnin_site.settings import DATABASES, STORAGES  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: WAL and locking are part of what is tested. One for each test run.
    DATABASES["default"]["TEST"] = {"NAME": str(_data / f"test-{os.getpid()}.db")}
else:
    DATABASES["default"]["TEST"] = {"NAME": f"test_burnin_{os.getpid()}"}
# No manifest: a test must not depend on an earlier collectstatic.
STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
STATIC_ROOT = _data / "static"
STATIC_ROOT.mkdir(exist_ok=True)
