"""The database itself refuses to change or delete an audit event.

Installed after each migrate, because SQLite drops a table's triggers when a migration rebuilds it.
"""

from __future__ import annotations

from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

TABLE = "audit_auditevent"


def _sqlite(verb: str) -> list[str]:
    return [
        f"DROP TRIGGER IF EXISTS audit_no_{verb}",
        f"CREATE TRIGGER audit_no_{verb} BEFORE {verb} ON {TABLE} "
        "BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END",
    ]


def _sqlite_replace() -> list[str]:
    """INSERT OR REPLACE deletes without a delete trigger."""
    return [
        "DROP TRIGGER IF EXISTS audit_no_replace",
        f"CREATE TRIGGER audit_no_replace BEFORE INSERT ON {TABLE} "
        f"WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE id = NEW.id) "
        "BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END",
    ]


def _postgres_truncate() -> list[str]:
    return [
        f"DROP TRIGGER IF EXISTS audit_no_truncate ON {TABLE}",
        f"CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON {TABLE} "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()",
    ]


def _postgres(verb: str) -> list[str]:
    return [
        "CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'audit events are append-only'; END $$",
        f"DROP TRIGGER IF EXISTS audit_no_{verb} ON {TABLE}",
        f"CREATE TRIGGER audit_no_{verb} BEFORE {verb} ON {TABLE} "
        "FOR EACH ROW EXECUTE FUNCTION audit_append_only()",
    ]


def install(using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
    """(Re)create the triggers; idempotent."""
    connection = connections[using]
    is_sqlite = connection.vendor == "sqlite"
    statements = _sqlite if is_sqlite else _postgres
    with connection.cursor() as cursor:
        if TABLE not in connection.introspection.table_names(cursor):
            return
        for verb in ("update", "delete"):
            for statement in statements(verb):
                cursor.execute(statement)
        for statement in _sqlite_replace() if is_sqlite else _postgres_truncate():
            cursor.execute(statement)
