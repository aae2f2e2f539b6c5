"""Confirming the key that a host shows: nothing is sent to a host whose key nobody confirmed."""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from drives.hosts import ssh
from drives.hosts.ssh import HostError

FILES = "/etc/ssh/ssh_host_*_key.pub (CORE: /usr/local/etc/ssh/)"


def add_confirmation(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--accept-host-key",
        metavar="FINGERPRINT",
        default="",
        help="SHA256:… that you have compared with the host’s own; for scripts",
    )


def confirmed_host_key(
    command: BaseCommand, host: str, port: int, *, known: str, accepted: str
) -> str:
    """Ask the host for its key, show its fingerprint and have it confirmed.

    known: the key that was confirmed before; no question where the host still shows it.
    Raises CommandError where it isn't confirmed.
    """
    try:
        key = ssh.offered_host_key(host, port)
        shown = ssh.fingerprint(key)
        before = ssh.fingerprint(known) if known else ""
    except HostError as error:
        raise CommandError(f"{host} can’t be asked for its SSH host key: {error}") from None
    if accepted:
        if accepted.strip() == shown:
            return key
        raise CommandError(f"{host} shows another key: {shown}. Nothing was changed")
    if before == shown:
        return key
    if before:
        command.stdout.write(f"Confirmed until now: {before}")
    command.stdout.write(f"{host} shows this SSH host key ({key.split()[0]}):\n  {shown}")
    if not sys.stdin.isatty():
        raise CommandError(
            f"Nobody is here to confirm that key. Compare it, then add --accept-host-key {shown}"
        )
    command.stdout.write(f"On the host, `ssh-keygen -lf` of {FILES} prints its own.")
    command.stdout.write("Is it the same? Type yes: ", ending="")
    command.stdout.flush()
    if sys.stdin.readline().strip().lower() != "yes":
        raise CommandError("The key was not confirmed; nothing was changed")
    return key
