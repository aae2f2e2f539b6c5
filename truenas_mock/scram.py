"""SCRAM-SHA-512 (RFC 5802), the server's side, as 26 speaks it: the key is proven, never sent.

The client's first message names user and key, `n,,n=USER:KEYID,r=NONCE`; nonces travel in base64.
With `p=tls-server-end-point` the exchange is bound to the server's certificate (RFC 5929).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from typing import Any

ITERATIONS = 50000
NONCE_BYTES = 32
BOUND = "p=tls-server-end-point"


class Exchange:
    """One login, from the client's first message on. ValueError where it isn't right."""

    def __init__(self, client_first: str, certificate: bytes | None) -> None:
        binding, middle, self._bare = client_first.split(",", 2)
        if middle or binding not in ("n", "y", BOUND) or (binding == BOUND and not certificate):
            raise ValueError("no such channel binding")
        name, _, nonce = self._bare.partition(",r=")
        self.username, _, self.key_id = name.removeprefix("n=").partition(":")
        both = b64decode(nonce, validate=True) + secrets.token_bytes(NONCE_BYTES)
        if len(both) != 2 * NONCE_BYTES or not name.startswith("n="):
            raise ValueError("no first message")
        bound = hashlib.sha256(certificate or b"").digest() if binding == BOUND else b""
        self._channel = b64encode(f"{binding},,".encode() + bound).decode()
        self._nonce = b64encode(both).decode()
        self._salt = secrets.token_bytes(16)
        salt = b64encode(self._salt).decode()
        self.server_first = f"r={self._nonce},s={salt},i={ITERATIONS}"

    def finish(self, client_final: str, secret: str) -> str:
        """The server's final message, when the proof is right."""
        without_proof, _, proof = client_final.rpartition(",p=")
        if without_proof != f"c={self._channel},r={self._nonce}":
            raise ValueError("another exchange")
        salted = hashlib.pbkdf2_hmac("sha512", secret.encode(), self._salt, ITERATIONS)
        client_key = _hmac(salted, b"Client Key")
        message = f"{self._bare},{self.server_first},{without_proof}".encode()
        signature = _hmac(hashlib.sha512(client_key).digest(), message)
        expected = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        if not hmac.compare_digest(expected, b64decode(proof, validate=True)):
            raise ValueError("the proof is wrong")
        return "v=" + b64encode(_hmac(_hmac(salted, b"Server Key"), message)).decode()


def told(kind: str, text: str) -> dict[str, Any]:
    return {"response_type": "SCRAM_RESPONSE", "scram_type": kind, "rfc_str": text}


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha512")
