from tests.integration.conftest import _events_can_be_emptied  # noqa: F401
