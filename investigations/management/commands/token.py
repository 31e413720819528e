"""API tokens from the command line."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from investigations.choices import TokenScope
from investigations.management import base
from investigations.models import ApiToken
from investigations.services.tokens import DEFAULT_DAYS, create_token, revoke_token


class Command(base.Command):
    help = "create NAME --scope SCOPE…; list; revoke NAME"

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="action", required=True)
        create = commands.add_parser("create", help="make a token; it is printed once")
        create.add_argument("name")
        create.add_argument("--scope", action="append", required=True, choices=TokenScope.values, dest="scopes")
        create.add_argument("--days", type=int, default=DEFAULT_DAYS, help="until it expires")
        listing = commands.add_parser("list", help="all tokens")
        revoke = commands.add_parser("revoke", help="end a token at once")
        revoke.add_argument("name")
        for subparser in (create, listing, revoke):
            subparser.add_argument("--json", action="store_true")

    def run(self, **options: Any) -> None:
        getattr(self, f"_{options['action']}")(**options)

    def _create(self, **options: Any) -> None:
        token, text = create_token(
            options["name"], scopes=options["scopes"], days=options["days"], actor=base.command_actor()
        )
        self.emit(_shape(token) | {"token": text}, as_json=options["json"], text=text)

    def _list(self, **options: Any) -> None:
        shapes = [_shape(token) for token in ApiToken.objects.order_by("name")]
        lines = [f"{shape['name']:<24}{shape['state']:<9}{', '.join(shape['scopes'])}" for shape in shapes]
        self.emit(shapes, as_json=options["json"], text="\n".join(lines) or "no tokens")

    def _revoke(self, **options: Any) -> None:
        token = ApiToken.objects.filter(name=options["name"]).first()
        if token is None:
            raise ValueError(f"there is no token {options['name']!r}")
        revoke_token(token, actor=base.command_actor())
        token.refresh_from_db()
        self.emit(_shape(token), as_json=options["json"], text=f"{token.name}: revoked")


def _shape(token: ApiToken) -> dict[str, Any]:
    return {
        "name": token.name,
        "id": token.public_id,
        "scopes": token.scopes,
        "state": "active" if token.is_active else "revoked" if token.revoked else "expired",
        "expires": token.expires.isoformat(),
        "last_used": token.last_used.isoformat() if token.last_used else None,
    }
