"""Accounts from the command line."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from investigations.choices import Role
from investigations.management import base
from investigations.models import User
from investigations.services.users import create_user, set_password
from reconsoc.env import env_secret


class Command(base.Command):
    help = "create NAME --role ROLE; password NAME; list"

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="action", required=True)
        create = commands.add_parser("create", help="make an account; its password is printed once")
        create.add_argument("name")
        create.add_argument("--role", required=True, choices=Role.values)
        password = commands.add_parser("password", help="give an account a new password and end its sessions")
        password.add_argument("name")
        listing = commands.add_parser("list", help="all accounts")
        for subparser in (create, password, listing):
            subparser.add_argument("--json", action="store_true")

    def run(self, **options: Any) -> None:
        getattr(self, f"_{options['action']}")(**options)

    def _create(self, **options: Any) -> None:
        given = env_secret("RECONSOC_USER_PASSWORD") or None
        user, password = create_user(options["name"], role=options["role"], password=given, actor=base.command_actor())
        shape = _shape(user) | ({} if given else {"password": password})
        text = f"{user}: {user.role}" if given else f"{user}: {user.role}, password {password}"
        self.emit(shape, as_json=options["json"], text=text)

    def _password(self, **options: Any) -> None:
        user = User.objects.filter(username=options["name"]).first()
        if user is None:
            raise ValueError(f"there is no account {options['name']!r}")
        password = set_password(user, actor=base.command_actor())
        self.emit(_shape(user) | {"password": password}, as_json=options["json"], text=f"{user}: password {password}")

    def _list(self, **options: Any) -> None:
        shapes = [_shape(user) for user in User.objects.order_by("username")]
        self.emit(shapes, as_json=options["json"], text="\n".join(f"{s['name']:<24}{s['role']}" for s in shapes))


def _shape(user: User) -> dict[str, Any]:
    return {"name": user.username, "role": user.role, "active": user.is_active}
