"""The form of a system: what is asked, and how it becomes the fields of drives.models.System."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.http import QueryDict

from drives.models import System

SECRETS = ("api_key", "ssh_password")
TEXTS = (
    "name", "base_url", "api_user", "ssh_host", "ssh_user", "ssh_key_file", "ssh_host_key",
    "state_dir",
)  # fmt: skip
#: What is asked; the mock is a TrueNAS that is told apart by its kind.
KINDS = [kind for kind in System.Kind if kind != System.Kind.MOCK]


@dataclass(frozen=True)
class SystemForm:
    """What was typed, as texts; and as facts for drives.systems.

    A secret that was left empty is the stored one's, where there is a system already.
    """

    typed: dict[str, str]
    verify_tls: bool
    is_local: bool
    system: System | None = None

    @classmethod
    def from_post(cls, post: QueryDict, system: System | None = None) -> SystemForm:
        typed = {
            name: post.get(name, "").strip() for name in (*TEXTS, *SECRETS, "kind", "ssh_port")
        }
        typed["base_url"] = typed["base_url"].rstrip("/")
        is_local = post.get("is_local") == "on" and typed["kind"] == System.Kind.HOST
        return cls(typed, post.get("verify_tls") == "on", is_local, system)

    @classmethod
    def fresh(cls, key_file: str) -> SystemForm:
        typed = dict.fromkeys((*TEXTS, *SECRETS), "")
        typed |= {
            "kind": System.Kind.TRUENAS, "ssh_user": "root", "ssh_port": "22",
            "ssh_key_file": key_file, "state_dir": "/root/.burnin",
        }  # fmt: skip
        return cls(typed, True, False)

    @classmethod
    def of(cls, system: System) -> SystemForm:
        typed = {name: str(getattr(system, name)) for name in (*TEXTS, "kind", "ssh_port")}
        return cls(typed | dict.fromkeys(SECRETS, ""), system.verify_tls, system.is_local, system)

    def facts(self) -> dict[str, Any]:
        """Fields of System, without its name. Raises ValidationError for what is no value."""
        typed, errors = self.typed, {}
        port = typed["ssh_port"] or "22"
        if not port.isdecimal() or len(port) > 5 or not 1 <= int(port) <= 65535:
            errors["ssh_port"] = "1 to 65535"
        if typed["kind"] not in System.Kind.values:
            errors["kind"] = "There is no such kind"
        if errors:
            raise ValidationError(errors)
        plain = typed["kind"] == System.Kind.HOST
        facts: dict[str, Any] = {
            "kind": typed["kind"],
            "base_url": "" if plain else typed["base_url"],
            "api_user": "" if plain else typed["api_user"],
            "verify_tls": self.verify_tls,
            "is_local": self.is_local,
            "ssh_host": "" if self.is_local else typed["ssh_host"] or self._host_of_url(),
            "ssh_port": int(port),
            "ssh_user": typed["ssh_user"] or "root",
            "ssh_key_file": "" if self.is_local or typed["ssh_password"] else typed["ssh_key_file"],
            "ssh_host_key": "" if self.is_local else typed["ssh_host_key"],
            "state_dir": typed["state_dir"] or "/root/.burnin",
        }
        for name in SECRETS:
            if typed[name] or self.system is None:
                facts[name] = typed[name]
        return facts

    def unsaved(self) -> System:
        """A system with these facts that no row holds, to be asked before it is saved."""
        facts = self.facts()
        if self.system is not None:
            facts |= {name: getattr(self.system, name) for name in SECRETS if name not in facts}
        return System(name=self.typed["name"] or "it", **facts)

    def _host_of_url(self) -> str:
        try:
            return urlsplit(self.typed["base_url"]).hostname or ""
        except ValueError:
            return ""
