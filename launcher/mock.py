"""`./run mock`: one mock NAS by itself, with a data folder and a client key if none is named."""

from __future__ import annotations

import os
import sys

from . import environment


def main(arguments: list[str]) -> int:
    environment.enter(environment.RUNTIME)
    from .product import make_ssh_key

    def named(option: str) -> bool:
        return any(word == option or word.startswith(f"{option}=") for word in arguments)

    folder = environment.VAR / "mock"
    if not named("--data"):
        arguments = ["--data", str(folder), *arguments]
    if not named("--authorized-key"):
        key = folder / "id_ed25519"
        if not key.is_file():
            make_ssh_key(key)
        print(f"SSH key of the client: {key}")
        arguments = ["--authorized-key", f"{key}.pub", *arguments]
    sys.stdout.flush()
    os.execv(environment.PYTHON, [str(environment.PYTHON), "-m", "truenas_mock", *arguments])
