"""What collectstatic makes of the style sheets and scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings as project
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command

from dashboard.assets import BUNDLES, SHEETS, files


def test_what_every_page_loads_becomes_one_file_that_pages_then_use(
    tmp_path: Path, settings: Any
) -> None:
    # Nothing was collected: each part for itself.
    assert list(files("css/all.css")) == list(SHEETS)
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = project.STORAGES | {
        "staticfiles": {"BACKEND": "burnin_site.static_files.BundledStorage"}
    }
    for _ in range(2):  # once more over what is there
        call_command("collectstatic", "--noinput", "-i", "admin", "-i", "ninja", verbosity=0)
    for bundle, parts in BUNDLES.items():
        assert list(files(bundle)) == [bundle]
        text = (tmp_path / bundle).read_text()
        assert text == "\n".join((project.BASE_DIR / "static" / part).read_text() for part in parts)
        served = tmp_path / staticfiles_storage.stored_name(bundle)
        assert served.name != Path(bundle).name
        assert served.with_name(f"{served.name}.gz").exists()
