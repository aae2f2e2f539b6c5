"""What the tests of burn-ins use."""

from tests.integration.burnin.conftest import lost_answers, site, worker
from tests.integration.conftest import _events_can_be_emptied

__all__ = ["_events_can_be_emptied", "lost_answers", "site", "worker"]
