"""The SSH key of this installation: made once, its public half is what a NAS is given."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import asyncssh
from django.conf import settings


def key_file() -> Path:
    return settings.DATA_DIR / "ssh" / "burnin_ed25519"


def public_half() -> str:
    """As it is pasted into a user's form. Makes the key where there is none yet.

    Raises OSError where the data folder can't be written.
    """
    file = key_file()
    public = file.with_suffix(".pub")
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = asyncssh.generate_private_key("ssh-ed25519", comment="burnin")
        temporary = file.with_name(f"{file.name}.{os.getpid()}")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(key.export_private_key())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, file)  # the first of two that come at once wins
        temporary.unlink()
    if not public.exists():
        key = asyncssh.read_private_key(file)
        public.write_bytes(key.export_public_key())
    return public.read_text().strip()
