"""HTTP and websockets for daphne."""

from __future__ import annotations

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application

from .allowlist import AllowList
from .origins import OwnPagesOnly

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "burnin_site.settings")
django_application = get_asgi_application()

from dashboard.routing import websocket_urlpatterns  # noqa: E402  (needs the app registry)

application = AllowList(
    ProtocolTypeRouter(
        {
            "http": django_application,
            "websocket": OwnPagesOnly(AuthMiddlewareStack(URLRouter(websocket_urlpatterns))),
        }
    ),
    settings.ALLOWED_IPS,
    settings.TRUSTED_PROXIES,
)
