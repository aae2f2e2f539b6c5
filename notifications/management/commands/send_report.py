"""Send the report now, beside the daily one; --dry-run prints it and sends nothing."""

from __future__ import annotations

import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from audit.events import record
from audit.models import Kind
from config import runtime
from notifications import report
from notifications.transports import Message, NotSent, mail


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="print it, send nothing")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        limits, payload = runtime.current(), report.payload(timezone.now())
        if dry_run:
            to = ", ".join(limits.smtp_to) if mail.is_on(limits) else "nobody: mail is off"
            self.stdout.write(f"To {to}\n\n{payload['text']}")
            return
        if not mail.is_on(limits):
            raise CommandError("Mail is off: SMTP_HOST and SMTP_TO are needed")
        try:
            said = mail.send([Message(uuid.uuid4().hex, payload)], limits)
        except NotSent as error:
            raise CommandError(str(error)) from None
        told = f"Sent to {', '.join(limits.smtp_to)}: {said}"
        with transaction.atomic():
            record(Kind.RESET, f"send_report: {told}", actor="command line")
        self.stdout.write(told)
