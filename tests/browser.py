"""A real browser for tests."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from playwright.sync_api import Browser, expect, sync_playwright

from launcher.needs import NEEDS

#: For whatever a page is expected to show: the limit of a broken run, far above a healthy one's.
expect.set_options(timeout=40_000)
#: The first two are parts of the browser's own window, started anew for each context: 1.5 s of a
#: processor. The others Playwright turns off, and this list takes the place of its own.
FEATURES_OFF = [
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
]
ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    f"--disable-features={','.join(FEATURES_OFF)}",
]


@contextlib.contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    """The Chromium of this machine, with more arguments, until the context ends."""
    # Playwright runs an event loop in this thread, in which Django refuses the database.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=NEEDS["chromium"].find(), args=[*ARGUMENTS, *more]
            )
            yield browser
            browser.close()
    finally:
        if before is None:
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
        else:
            os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before
