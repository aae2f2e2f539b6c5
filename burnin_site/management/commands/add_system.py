"""Add a NAS, or change the one of that name. The fingerprint of its SSH host key is confirmed."""

from __future__ import annotations

import getpass
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from burnin_site.confirmation import add_confirmation, confirmed_host_key
from drives import systems
from drives.models import System


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--base-url", default="", help="https://nas.example; none for a host")
        parser.add_argument("--api-key", default="", help="or - to be asked for it")
        parser.add_argument("--api-user", default="", help="whom the key belongs to (from 25.04)")
        parser.add_argument("--api", choices=System.Api.values, default=System.Api.AUTO)
        parser.add_argument("--no-verify-tls", dest="verify_tls", action="store_false")
        parser.add_argument(
            "--local", dest="is_local", action="store_true", help="this very host: no SSH"
        )
        parser.add_argument("--ssh-host", default="")
        parser.add_argument("--ssh-port", type=int, default=22)
        parser.add_argument("--ssh-user", default="root", help="who isn’t root needs sudo there")
        login = parser.add_mutually_exclusive_group()
        login.add_argument("--ssh-key-file", default="")
        login.add_argument("--ssh-password", default="", help="or - to be asked for it")
        parser.add_argument(
            "--ssh-host-key", help="ssh-ed25519 AAAA…; without it the host is asked for its key"
        )
        add_confirmation(parser)
        parser.add_argument("--state-dir", default="/root/.burnin", help="of the agent, there")
        parser.add_argument("--kind", choices=System.Kind.values, default=System.Kind.TRUENAS)

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        for secret in ("api_key", "ssh_password"):
            if options[secret] == "-":
                options[secret] = _asked_for(secret)
        if options["ssh_key_file"]:
            # Worker and beat may run in another folder.
            options["ssh_key_file"] = os.path.abspath(os.path.expanduser(options["ssh_key_file"]))
        if options["ssh_host"] and not options["ssh_host_key"]:
            options["ssh_host_key"] = confirmed_host_key(
                self,
                options["ssh_host"],
                options["ssh_port"],
                known=_pinned(name, options["ssh_host"], options["ssh_port"]),
                accepted=options["accept_host_key"],
            )
        options["ssh_host_key"] = options["ssh_host_key"] or ""
        names = {field.name for field in System._meta.get_fields()}
        facts = {option: value for option, value in options.items() if option in names}
        try:
            system = systems.keep(name, actor="command line", **facts)
        except ValidationError as error:
            wrong = "; ".join(
                f"{field}: {' '.join(words)}" for field, words in error.message_dict.items()
            )
            raise CommandError(wrong) from None
        if system.stopped:
            systems.confirm_host_key(system, options["ssh_host_key"], actor="command line")
        self.stdout.write(
            f"{system.name} is known; the next poll asks it. "
            f"Now look what it can do: ./run manage check_system {system.name}"
        )


def _pinned(name: str, host: str, port: int) -> str:
    """The key that was confirmed for that very host already."""
    found = System.objects.filter(name=name, ssh_host=host, ssh_port=port, stopped="")
    return found.values_list("ssh_host_key", flat=True).first() or ""


def _asked_for(secret: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    return getpass.getpass(f"{secret.replace('_', ' ')}: ").strip()
