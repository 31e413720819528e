"""Accounts: roles, the last admin, ends of sessions, and what of all this the audit history tells."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection
from django.test import Client

from investigations.access import RIGHTS, may
from investigations.choices import Role
from investigations.models import Actor, AuditEvent, User
from investigations.services.users import change_role, create_user, set_active, set_password

pytestmark = pytest.mark.django_db
ADA = Actor("ada", address="192.0.2.9")


@pytest.mark.parametrize("role", Role)
def test_it_makes_an_account_with_a_random_password(role: Role) -> None:
    user, password = create_user("new", role=role, actor=ADA)

    assert user.role == role and user.check_password(password)
    assert len(password) >= 16
    assert not user.is_staff and not user.is_superuser
    event = AuditEvent.objects.get(action="user.created")
    assert (event.actor, event.address, event.subject, event.after) == ("ada", "192.0.2.9", "user new", {"role": role})
    assert password not in str(event.__dict__)


@pytest.mark.parametrize(
    ("name", "role", "password"),
    [
        ("", "viewer", None),
        ("a b", "viewer", None),
        ("<script>", "viewer", None),
        ("x" * 151, "viewer", None),
        ("Anna", "viewer", None),  # differs only in case from somebody
        ("new", "root", None),
        ("new", "", None),
        ("new", "viewer", "short"),
        ("new", "viewer", "1234567890123"),
        ("new", "viewer", "password123"),
        ("newperson", "viewer", "newperson1"),
        ("new", "viewer", ""),
    ],
)
def test_it_refuses_a_bad_account(analyst: User, name: str, role: str, password: str | None) -> None:
    with pytest.raises((ValidationError, ValueError)):
        create_user(name, role=role, password=password, actor=ADA)
    assert User.objects.count() == 1
    assert not AuditEvent.objects.filter(action="user.created").exists()


def test_it_changes_a_role_and_says_from_what(admin: User, analyst: User) -> None:
    change_role(analyst, role="lead", actor=ADA)

    assert User.objects.get(pk=analyst.pk).role == Role.LEAD
    event = AuditEvent.objects.get(action="user.role_changed")
    assert (event.before, event.after) == ({"role": "analyst"}, {"role": "lead"})


def test_it_keeps_the_last_admin(admin: User, analyst: User, make_user: Any) -> None:
    for act in (
        lambda: change_role(admin, role="lead", actor=ADA),
        lambda: set_active(admin, active=False, actor=ADA),
    ):
        with pytest.raises(ValidationError, match="last active admin"):
            act()
    # An admin who is switched off does not count
    second = make_user("second", Role.ADMIN)
    set_active(second, active=False, actor=ADA)
    with pytest.raises(ValidationError):
        set_active(admin, active=False, actor=ADA)
    set_active(second, active=True, actor=ADA)
    change_role(admin, role="lead", actor=ADA)

    assert User.objects.filter(role=Role.ADMIN, is_active=True).get() == second
    assert AuditEvent.objects.filter(action="user.role_changed").count() == 1


@pytest.mark.django_db(transaction=True)
def test_it_keeps_one_when_two_admins_demote_each_other_at_once(make_user: Any) -> None:
    admins = [make_user(f"admin{number}", Role.ADMIN) for number in range(4)]
    start = threading.Barrier(len(admins))
    refused: list[str] = []

    def demote(user: User) -> None:
        start.wait()
        try:
            change_role(user, role="viewer", actor=ADA)
        except (ValidationError, DatabaseError) as error:
            refused.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=demote, args=(user,)) for user in admins]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert refused == ["ValidationError"]
    assert User.objects.filter(role=Role.ADMIN).count() == 1


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    assert client.get("/").status_code == 200
    return client


def test_it_ends_sessions_at_once_when_an_account_is_switched_off(admin: User, analyst: User) -> None:
    theirs, other = logged_in(analyst), logged_in(admin)
    set_active(analyst, active=False, actor=ADA)

    assert theirs.get("/").status_code == 302
    assert other.get("/").status_code == 200
    assert theirs.login(username="anna", password="correct horse battery") is False
    event = AuditEvent.objects.get(action="user.switched")
    assert (event.before, event.after) == ({"active": True}, {"active": False})
    # Switched on again, the old session stays ended
    set_active(analyst, active=True, actor=ADA)
    assert theirs.get("/").status_code == 302


def test_it_ends_sessions_when_a_password_is_set(analyst: User) -> None:
    theirs = logged_in(analyst)
    password = set_password(analyst, actor=ADA)

    assert theirs.get("/").status_code == 302
    assert User.objects.get().check_password(password)
    assert password not in str(AuditEvent.objects.get(action="user.password_changed").__dict__)


def test_it_lets_a_changed_role_count_for_the_next_request(admin: User, make_user: Any) -> None:
    second = make_user("second", Role.ADMIN)
    theirs = logged_in(second)
    assert theirs.get("/users/").status_code == 200
    change_role(second, role="viewer", actor=ADA)

    assert theirs.get("/users/").status_code == 403


ANALYSTS = {"read", "submit", "work", "review", "stop"}
LEADS = ANALYSTS | {"reassign", "brake", "write_policy", "keep_lists", "read_audit"}


@pytest.mark.parametrize(
    ("role", "rights"),
    [
        (Role.VIEWER, {"read"}),
        (Role.ANALYST, ANALYSTS),
        (Role.LEAD, LEADS),
        (Role.ADMIN, LEADS | {"configure"}),
        (Role.AUDITOR, {"read", "read_audit"}),
    ],
)
def test_it_gives_each_role_its_rights(make_user: Any, role: Role, rights: set[str]) -> None:
    user = make_user("somebody", role)

    assert {right for right in RIGHTS if may(user, right)} == rights
    user.is_active = False
    assert not any(may(user, right) for right in RIGHTS)
