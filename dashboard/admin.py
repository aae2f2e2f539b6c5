"""What admins do in Django's admin: make people, give them a role, a password, or shut them out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from audit.events import record
from audit.models import Kind

from . import tokens
from .admin_site import EmptyIsNone
from .first_admin import admins
from .login_events import source_ip
from .roles import ROLES, role_of

# Nothing else is changed here: roles are the only groups, and the schedule is `prepare`'s.
for model in [model for model in admin.site._registry if model is not User]:
    admin.site.unregister(model)

WITHOUT_ROLE = ("", "none: may log in, sees nothing")


def _role_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        choices=[WITHOUT_ROLE, *((name, name) for name in ROLES)],
        required=False,
        help_text="A viewer looks; an operator starts and cancels burn-ins; an admin does all.",
    )


class NewPerson(UserCreationForm):
    role = _role_field()


class Person(forms.ModelForm):
    role = _role_field()

    class Meta:
        model = User
        fields = ("is_active",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].initial = _stored_role(self.instance)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        stays_admin = data.get("role") == "admin" and data.get("is_active")
        others = User.objects.filter(admins()).exclude(pk=self.instance.pk)
        if not stays_admin and not others.exists():
            raise ValidationError("There would be no admin left. Make another one first.")
        return data


admin.site.unregister(User)
from . import admin_records  # noqa: E402, F401  (registers drives, burn-ins and events)


@admin.register(User)
class PersonAdmin(EmptyIsNone, UserAdmin):
    """A person has a name, a role and a password; Django's own flags follow from the role.

    Nobody is deleted: the audit log and the burn-ins name them. They are made inactive.
    """

    form, add_form = Person, NewPerson
    fieldsets = ((None, {"fields": ("username", "role", "is_active", "secret", "last_login")}),)
    add_fieldsets = ((None, {"fields": ("username", "password1", "password2", "role")}),)
    readonly_fields = ("secret", "last_login")
    list_display = ("username", "role", "is_active", "last_login")
    list_filter = ("is_active",)
    search_fields = ("username",)
    filter_horizontal = ()

    @admin.display(description="role")
    def role(self, user: User) -> str:
        return role_of(user) or "none"

    @admin.display(description="password")
    def secret(self, user: User) -> SafeString:
        return SafeString('<a href="../password/">Give a new password</a>')

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # The audit log tells names, so a name keeps its meaning.
        return self.readonly_fields if obj is None else (*self.readonly_fields, "username")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The role with all that follows from it, in the transaction of the change."""
        super().save_related(request, form, formsets, change)
        person: User = form.instance
        before = _stored_role(person) if change else ""
        role = form.cleaned_data["role"]
        if role != before:
            person.is_staff = person.is_superuser = role == "admin"
            person.save(update_fields=["is_staff", "is_superuser"])
            person.groups.set(Group.objects.filter(name=role))
        what = [f"role {before or 'none'} → {role or 'none'}"] if role != before else []
        if "is_active" in form.changed_data:
            what.append("made active" if person.is_active else "made inactive")
            if not person.is_active:
                by, address = request.user.get_username(), source_ip(request)
                tokens.revoke_all(person, "made inactive", by=by, source_ip=address)
        if not change:
            _audit(request, Kind.USER_ADDED, f"{person} was added with the role {role or 'none'}")
        elif what:
            _audit(request, Kind.USER_CHANGED, f"{person}: {', '.join(what)}")

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        with transaction.atomic():
            return super().user_change_password(request, id, form_url)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        if request.path.endswith("/password/") and isinstance(obj, User):
            by, address = request.user.get_username(), source_ip(request)
            # Where the password was taken away, no new one was stored that would have ended them.
            tokens.revoke_all(obj, "the password was taken away", by=by, source_ip=address)
            was = "given a new password" if obj.has_usable_password() else "left without a password"
            _audit(request, Kind.USER_CHANGED, f"{obj} was {was}; sessions and API tokens ended")
        return super().log_change(request, obj, message)


def _stored_role(person: User) -> str:
    """As the database has it; role_of gives nobody inactive a role."""
    if person.is_superuser:
        return ROLES[-1]
    names = set(person.groups.values_list("name", flat=True)) if person.pk else set()
    return next((name for name in reversed(ROLES) if name in names), "")


def _audit(request: HttpRequest, kind: Kind, note: str) -> None:
    record(kind, note, actor=request.user.get_username(), source_ip=source_ip(request))
