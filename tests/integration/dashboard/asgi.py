"""The product's ASGI application on the database of the test that started it."""

from __future__ import annotations

import os

from django.conf import settings

from burnin_site import env

settings.ALLOWED_IPS = env.networks("TEST_ALLOWED_IPS")
settings.TRUSTED_PROXIES = env.networks("TEST_TRUSTED_PROXIES")
settings.DATABASES["default"]["NAME"] = os.environ["TEST_DB_NAME"]
# Static files as they are now, whatever an earlier collectstatic left.
settings.STATIC_ROOT = None
settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
# So long a browser asks no more, as for the product's hashed names.
settings.WHITENOISE_MAX_AGE = 3600

from burnin_site.asgi import application  # noqa: E402
from dashboard import flusher, sparks  # noqa: E402

# One process serves all tests, each with temperatures of its own, and none that waits for a
# heartbeat has to wait for ten seconds.
sparks.KEPT_SECONDS = 0
flusher.HEARTBEAT_SECONDS = 2

__all__ = ["application"]
