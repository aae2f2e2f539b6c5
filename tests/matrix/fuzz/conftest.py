from tests.integration.conftest import django_db_setup  # noqa: F401
