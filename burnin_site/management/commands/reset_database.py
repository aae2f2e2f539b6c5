"""Empty the whole database, after a backup. Stop web, worker and beat first.

Refused while a burn-in is not over or a run may go on: they would be lost.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.utils import timezone

from audit.events import record
from audit.models import Kind
from burnin.models import Job
from drives.models import HostRun, SmartTest


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="tell what would be done")
        parser.add_argument("--yes", action="store_true", help="really do it")

    def handle(self, **options: Any) -> None:
        if reason := _in_use():
            raise CommandError(f"Nothing was changed: {reason}")
        backup = settings.DATA_DIR / "backups" / f"before-reset-{timezone.now():%Y%m%d-%H%M%S}"
        backup = backup.with_suffix(".db" if connection.vendor == "sqlite" else ".json")
        if options["dry_run"] or not options["yes"]:
            self.stdout.write(f"The backup would be {backup}; then every table would be emptied.")
            self.stdout.write("Nothing was changed. Add --yes to do it.")
            return
        _back_up(backup)
        self.stdout.write(f"Backup: {backup}")
        _drop_all_tables()
        call_command("prepare", stdout=self.stdout)
        with transaction.atomic():
            note = f"reset_database: everything was deleted; the backup is {backup}"
            record(Kind.RESET, note, actor="command line")
        self.stdout.write("Done.")


def _in_use() -> str:
    if jobs := Job.objects.filter(holds_drive=True).count():
        return f"{jobs} burn-ins are not over"
    if runs := HostRun.objects.filter(is_open=True).count():
        return f"{runs} surface runs may go on"
    if tests := SmartTest.objects.filter(state=SmartTest.State.RUNNING).count():
        return f"{tests} self-tests run"
    return ""


def _back_up(file: Path) -> None:
    """For its owner alone: it has hashes of passwords, and secrets that SECRET_KEY opens."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.touch(0o600)
    if connection.vendor == "sqlite":
        file.unlink()  # SQLite wants to make it
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(file)])
        file.chmod(0o600)
    else:
        call_command("dumpdata", output=str(file), all=True)
    if not file.stat().st_size:
        raise CommandError(f"Nothing was changed: the backup {file} is empty")


def _drop_all_tables() -> None:
    """Dropped, not emptied: the audit log refuses to be emptied."""
    tables = connection.introspection.table_names()
    connection.disable_constraint_checking()
    cascade = "" if connection.vendor == "sqlite" else " CASCADE"
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(table)}{cascade}")
    connection.enable_constraint_checking()
