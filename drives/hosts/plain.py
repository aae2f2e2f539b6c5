"""A host without TrueNAS, in the vocabulary of one: its drives and their use by the agent alone.

There is no second source here, so what the agent can't tell refuses a drive as much as what speaks
against it.
"""

from __future__ import annotations

import re

from ..truenas.types import NasDrive, NasError, NasView, SelfTestStart
from .agent import AgentHost
from .ssh import HostError
from .types import HostDevice

POOL = re.compile(r"in pool (\S+)", re.IGNORECASE)


class PlainHost:
    """What NasClient is for a TrueNAS. Every method raises NasError."""

    def __init__(self, host: AgentHost) -> None:
        self._host = host

    def __enter__(self) -> PlainHost:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """The shell's connection is kept by itself."""

    def view(self, *, temperatures: bool = True) -> NasView:
        """Everything a poll needs, in one probe."""
        try:
            version = self._host.describe()
            devices = self._host.probe()
        except HostError as error:
            raise NasError(str(error)) from None
        if not devices:
            raise NasError("the host has no disk at all, which can’t be")
        uses = {device.name: use for device in devices if (use := _use(device))}
        return NasView(
            version=version or "unknown",
            drives=tuple(_drive(device) for device in devices),
            uses=uses,
            pools={
                device.name: found[1]
                for device in devices
                if (found := POOL.search(uses.get(device.name, "")))
            },
            temperatures={
                device.name: device.temperature_c
                for device in devices
                if device.temperature_c is not None and 0 < device.temperature_c < 150
            },
            jobs=(),
            release=version,
            dialect="agent",
        )

    def start_self_test(self, identifier: str, type: str) -> SelfTestStart:
        raise NasError("a plain host has no API that starts self-tests")

    def forget_self_test(self, job_id: int, identifier: str, type: str) -> None:
        """Nobody waits for it here."""


def _drive(device: HostDevice) -> NasDrive:
    """Named as TrueNAS does: by serial and lunid, so that a drive that moves stays the same."""
    if device.serial and device.lunid:
        identifier = f"{{serial_lunid}}{device.serial}_{device.lunid}"
    elif device.serial:
        identifier = f"{{serial}}{device.serial}"
    else:
        identifier = f"{{devicename}}{device.name}"
    return NasDrive(
        identifier=identifier[:500],
        name=device.name[:100],
        serial=device.serial[:200],
        lunid=device.lunid[:100],
        model=device.model[:200],
        size_bytes=device.size_bytes,
        rotational=device.rotational,
    )


def _use(device: HostDevice) -> str:
    """Why it may not be written."""
    words = [one.reason for one in device.use if one.state in ("in_use", "unknown")]
    text = "; ".join(dict.fromkeys(words))[:500]
    return text[:1].upper() + text[1:]
