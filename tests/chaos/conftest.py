"""What the tests of burn-ins use."""

from tests.integration.burnin.conftest import caught, lost_answers, site, worker
from tests.integration.conftest import django_db_setup

__all__ = ["caught", "django_db_setup", "lost_answers", "site", "worker"]
