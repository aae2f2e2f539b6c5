"""What people type about their own account, and what is wrong with it, field by field."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError

from .throttle import NAME_MAX


class NewPassword(forms.Form):
    """A password, and the same again."""

    password = forms.CharField(strip=False, max_length=4096)
    again = forms.CharField(strip=False, max_length=4096)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        password = data.get("password")
        if password and data.get("again") and password != data["again"]:
            self.add_error("again", "This is not the same password.")
        if password:
            try:
                validate_password(password, self.owner())
            except ValidationError as error:
                self.add_error("password", error)
        return data

    def owner(self) -> User:
        raise NotImplementedError


class SetupForm(NewPassword):
    """The first admin."""

    code = forms.CharField(max_length=100)
    user = forms.CharField(max_length=NAME_MAX, validators=[UnicodeUsernameValidator()])

    def clean_user(self) -> str:
        name: str = User.normalize_username(self.cleaned_data["user"])
        if User.objects.filter(username__iexact=name).exists():
            raise ValidationError("There is somebody of that name already.")
        return name

    def owner(self) -> User:
        return User(username=self.cleaned_data.get("user", ""))


class PasswordForm(NewPassword):
    """Somebody's own new password. The old one is checked where wrong ones are counted."""

    def __init__(self, user: User, *args: Any) -> None:
        super().__init__(*args)
        self.user = user

    def owner(self) -> User:
        return self.user
