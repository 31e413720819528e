"""Bring a database and the static files up to date, and make the first account; safe to repeat."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandParser

from investigations.choices import Role
from investigations.management import base
from investigations.models import User
from investigations.services import defaults
from investigations.services.users import create_user
from reconsoc.env import env_secret


class Command(base.Command):
    help = "Migrate, collect static files, install the defaults, create the first admin."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-static", action="store_true", help="leave the static files alone")

    def run(self, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        if not options["no_static"]:
            call_command("collectstatic", interactive=False, verbosity=0)
        if not User.objects.exists():
            self._first_admin()

    def _first_admin(self) -> None:
        given = env_secret("RECONSOC_ADMIN_PASSWORD")
        _, password = create_user("admin", role=Role.ADMIN, password=given or None, actor=defaults.INSTALLER)
        shown = "the password from RECONSOC_ADMIN_PASSWORD" if given else password
        self.stdout.write(f"First log-in: user admin, password {shown}")
        if not given:
            self.stdout.write(
                f"(shown only now; another one: manage.py user password admin; data in {settings.DATA_DIR})"
            )
