"""Static files as they are served: hashed and compressed by WhiteNoise, and what every page loads
put into one file beforehand. That is done by collectstatic; there is no build step.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

from dashboard.assets import BUNDLES


class BundledStorage(CompressedManifestStaticFilesStorage):
    def post_process(
        self, paths: dict[str, Any], dry_run: bool = False, **options: Any
    ) -> Iterator[Any]:
        if not dry_run:
            for bundle, parts in BUNDLES.items():
                texts = []
                for part in parts:
                    with self.open(part) as file:
                        texts.append(file.read())
                self.delete(bundle)
                self.save(bundle, ContentFile(b"\n".join(texts)))
                paths[bundle] = (self, bundle)
        yield from super().post_process(paths, dry_run, **options)
