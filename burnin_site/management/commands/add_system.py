"""Add a NAS, or change the one of that name."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from drives import systems
from drives.models import System


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--base-url", required=True, help="https://nas.example")
        parser.add_argument("--api-key", required=True)
        parser.add_argument("--no-verify-tls", dest="verify_tls", action="store_false")
        parser.add_argument("--ssh-host", required=True)
        parser.add_argument("--ssh-port", type=int, default=22)
        parser.add_argument("--ssh-user", default="root")
        parser.add_argument("--ssh-key-file", required=True)
        parser.add_argument("--ssh-host-key", required=True, help="ssh-ed25519 AAAA…")
        parser.add_argument("--state-dir", default="/root/.burnin", help="of the agent, there")
        parser.add_argument("--kind", choices=System.Kind.values, default=System.Kind.TRUENAS)

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        names = {field.name for field in System._meta.get_fields()}
        facts = {option: value for option, value in options.items() if option in names}
        try:
            system = systems.keep(name, actor="command line", **facts)
        except ValidationError as error:
            wrong = "; ".join(
                f"{field}: {' '.join(words)}" for field, words in error.message_dict.items()
            )
            raise CommandError(wrong) from None
        self.stdout.write(f"{system.name} is known; the next poll asks it")
