#!/usr/bin/env python
"""Django's command line for this project."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "burnin_site.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        _ = settings.DATABASES
    except ImproperlyConfigured as error:
        # A bad setting is one line with its name, not a traceback.
        sys.exit(f"manage.py: {error}")
    execute_from_command_line(sys.argv)
