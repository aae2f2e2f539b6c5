"""From a System row to the clients that talk to it."""

from __future__ import annotations

from django.conf import settings

from .hosts.agent import AgentHost
from .hosts.ssh import Target
from .models import System
from .truenas.rest import RestClient


def nas(system: System) -> RestClient:
    """The NAS's API. Raises NasError when its key must not be sent that way."""
    return RestClient(
        system.base_url,
        system.api_key,
        verify_tls=system.verify_tls,
        allow_http=settings.TRUENAS_ALLOW_HTTP,
    )


def host(system: System) -> AgentHost:
    """The agent on the system's host."""
    return AgentHost(
        Target(
            system.ssh_host,
            system.ssh_port,
            system.ssh_user,
            system.ssh_key_file,
            system.ssh_host_key,
        ),
        system.state_dir,
    )
