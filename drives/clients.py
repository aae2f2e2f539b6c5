"""From a System row to the clients that talk to it; none for one that is stopped."""

from __future__ import annotations

from functools import partial

from django.conf import settings

from . import systems
from .hosts.agent import AgentHost
from .hosts.local import Local
from .hosts.plain import PlainHost
from .hosts.ssh import HostError, Target
from .models import System
from .truenas import connect
from .truenas.client import NasClient
from .truenas.session import Login
from .truenas.types import NasError


def nas(system: System) -> NasClient | PlainHost:
    """What tells of its drives and pools: the NAS's API, or the agent of a plain host.

    Raises NasError when its key must not be sent that way, or now.
    """
    if why := _why_stopped(system):
        raise NasError(why)
    if system.kind == System.Kind.HOST:
        return PlainHost(host(system))
    login = Login(
        system.base_url,
        system.api_key,
        system.api_user,
        system.verify_tls,
        settings.TRUENAS_ALLOW_HTTP,
    )
    return connect.client(
        login, known_version=system.version, rest_wanted=system.api == System.Api.REST
    )


def host(system: System) -> AgentHost:
    """The agent on the system's host. A changed host key, seen on any call, stops the system.

    Raises HostError where it is stopped already.
    """
    if why := _why_stopped(system):
        raise HostError(why)
    if system.is_local:
        return AgentHost(Local(), system.state_dir)
    return AgentHost(
        target(system), system.state_dir, key_changed=partial(systems.stop_for_host_key, system)
    )


def target(system: System) -> Target:
    """Where its shell is, and who logs in there."""
    return Target(
        system.ssh_host,
        system.ssh_port,
        system.ssh_user,
        system.ssh_key_file,
        system.ssh_host_key,
        system.ssh_password,
    )


def _why_stopped(system: System) -> str:
    """As of now: another process may have found the reason a moment ago."""
    found = System.everything.filter(pk=system.pk).values_list("stopped", flat=True).first()
    return found or ""
