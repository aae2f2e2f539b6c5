"""What the tests of burn-ins use."""

from tests.integration.burnin.conftest import lost_answers, site, worker
from tests.integration.conftest import django_db_setup

__all__ = ["django_db_setup", "lost_answers", "site", "worker"]
