"""Websocket addresses."""

from __future__ import annotations

from django.urls import path

from .consumers import LivePage

websocket_urlpatterns = [
    path("live/<str:wanted>", LivePage.as_asgi()),
]
