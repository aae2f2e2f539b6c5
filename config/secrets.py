"""A text column that is encrypted at rest with a key derived from SECRET_KEY."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models

from .redaction import remember


def _fernet() -> Fernet:
    key = hashlib.sha256(b"burnin stored secrets\0" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


class EncryptedTextField(models.TextField):
    """Plain text in Python, a Fernet token in the database; empty stays empty.

    Raises ImproperlyConfigured on reading when SECRET_KEY isn't the one it was written with.
    """

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        remember(value or "")
        return _fernet().encrypt(value.encode()).decode() if value else value

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        if not value:
            return value
        try:
            secret = _fernet().decrypt(value.encode()).decode()
        except InvalidToken:
            raise ImproperlyConfigured(
                "a stored secret can’t be decrypted: SECRET_KEY is not the one it was saved with"
            ) from None
        remember(secret)
        return secret
