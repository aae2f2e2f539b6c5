"""Where something can be sent, and what is wanted there (N2, N3 and the quiet rules)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from config.runtime import Runtime

from .transports import Message, chat, mail, webhook

MAIL, WEBHOOK, CHAT = "mail", "webhook", "chat-"


@dataclass(frozen=True)
class Channel:
    """One place to send to. `gathers`: many that end together go out as one message.

    `url` is the Apprise address of a chat channel.
    """

    name: str
    label: str
    gathers: bool
    url: str = ""

    def unwanted(self, payload: dict[str, Any], runtime: Runtime) -> str:
        """Why nothing is sent of an event; empty when it is wanted."""
        if not self.is_on(runtime):
            return f"{self.label} is off"
        if payload["system"] in runtime.notify_quiet_systems:
            return f"{payload['system']} is quiet"
        event = payload["event"]
        if self.name == MAIL:
            passed = event == "burnin_passed"
            wanted = runtime.smtp_alert_on_pass if passed else runtime.smtp_alert_on_fail
        elif self.name == WEBHOOK:
            wanted = event in runtime.webhook_events
        else:
            wanted = event in runtime.apprise_events
        return "" if wanted else "not wanted for this event"

    def is_on(self, runtime: Runtime) -> bool:
        if self.name == MAIL:
            return mail.is_on(runtime)
        return bool(runtime.webhook_url) if self.name == WEBHOOK else self.url != ""

    def send(self, messages: Sequence[Message], runtime: Runtime) -> str:
        """Send them, in one go where the channel gathers. What the other side said.

        Raises NotSent.
        """
        if self.name == MAIL:
            return mail.send(messages, runtime)
        if self.name == WEBHOOK:
            return webhook.send(messages[0], runtime)
        return chat.send(messages, self.url, runtime)


def all_channels(runtime: Runtime) -> list[Channel]:
    """Mail, webhook, and one for each address of a chat service, so that a dead one doesn't make
    the others say a thing twice."""
    return [
        Channel(MAIL, "Mail", gathers=True),
        Channel(WEBHOOK, "Webhook", gathers=False),
        *(
            Channel(
                CHAT + hashlib.sha256(url.encode()).hexdigest()[:16],
                f"Chat ({url.partition('://')[0]})",
                gathers=True,
                url=url,
            )
            for url in runtime.apprise_urls
        ),
    ]


def channel_of(name: str, runtime: Runtime) -> Channel | None:
    return next((one for one in all_channels(runtime) if one.name == name), None)


def label_of(name: str, channels: Sequence[Channel]) -> str:
    """How people call a channel, also one that was taken away meanwhile."""
    return next((one.label for one in channels if one.name == name), "Chat, removed since")
