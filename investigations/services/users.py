"""Accounts: made, changed and switched off by an admin, each change in the audit history."""

from __future__ import annotations

import secrets

from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.timezone import now

from investigations.choices import Role
from investigations.models import Actor, AuditEvent, User


def create_user(username: str, *, role: str, password: str | None = None, actor: Actor) -> tuple[User, str]:
    """A new account and its password; without one given, a random one. ValidationError says what is wrong."""
    user = User(username=username, role=Role(role))
    user.clean_fields(exclude=["password"])
    if User.objects.filter(username__iexact=username).exists():
        raise ValidationError("There is an account of this name already.")
    if password is not None:
        validate_password(password, user)
    chosen = password if password is not None else random_password()
    with transaction.atomic():
        user.set_password(chosen)
        user.save()
        AuditEvent.objects.record(actor, "user.created", f"user {user}", after={"role": user.role})
    return user, chosen


def change_role(user: User, *, role: str, actor: Actor) -> None:
    before = user.role
    with transaction.atomic():
        _keep_an_admin(user, stays=role == Role.ADMIN)
        user.role = Role(role)
        user.save(update_fields=["role"])
        AuditEvent.objects.record(
            actor, "user.role_changed", f"user {user}", before={"role": before}, after={"role": user.role}
        )


def set_active(user: User, *, active: bool, actor: Actor) -> None:
    """Switch an account on or off; off ends its sessions at once."""
    with transaction.atomic():
        _keep_an_admin(user, stays=active)
        before, user.is_active = user.is_active, active
        user.save(update_fields=["is_active"])
        if not active:
            end_sessions(user)
        AuditEvent.objects.record(
            actor, "user.switched", f"user {user}", before={"active": before}, after={"active": active}
        )


def set_password(user: User, *, actor: Actor, password: str | None = None) -> str:
    """Give an account a new password (a random one unless given) and end its sessions."""
    chosen = password if password is not None else random_password()
    with transaction.atomic():
        user.set_password(chosen)
        user.save(update_fields=["password"])
        end_sessions(user)
        AuditEvent.objects.record(actor, "user.password_changed", f"user {user}")
    return chosen


def end_sessions(user: User) -> None:
    for session in Session.objects.filter(expire_date__gt=now()).iterator():
        if session.get_decoded().get("_auth_user_id") == str(user.pk):
            session.delete()


def random_password() -> str:
    return secrets.token_urlsafe(12)


def _keep_an_admin(user: User, *, stays: bool) -> None:
    """Nobody locks the house from outside."""
    # All of them locked, in one order: two admins who demote each other at once cannot both succeed
    admins = list(User.objects.select_for_update().filter(role=Role.ADMIN, is_active=True).order_by("pk"))
    if not stays and admins == [user]:
        raise ValidationError("This is the last active admin.")
