"""Confirm the SSH host key that a system shows now, and go on with a system stopped for it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from burnin_site.confirmation import add_confirmation, confirmed_host_key
from drives import systems
from drives.models import System


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        add_confirmation(parser)

    def handle(self, *args: Any, name: str, accept_host_key: str, **options: Any) -> None:
        system = System.objects.filter(name=name).first()
        if system is None:
            raise CommandError(f"There is no system {name}")
        key = confirmed_host_key(
            self,
            system.ssh_host,
            system.ssh_port,
            known=system.ssh_host_key,
            accepted=accept_host_key,
        )
        systems.confirm_host_key(system, key, actor="command line")
        self.stdout.write(f"The key of {name} is confirmed; the next poll asks it again")
