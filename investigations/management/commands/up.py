"""Everything from nothing: embedded servers, migrations, static files, web, workers. What `make run` runs."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from investigations.management import base
from investigations.management.demo import demo_children
from reconsoc import supervisor
from reconsoc.embedded import EmbeddedError


class Command(base.Command):
    help = "Run ReconSOC until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="with simulated providers and a stream of alerts")

    def run(self, **options: Any) -> None:
        try:
            supervisor.run(
                settings.DATA_DIR,
                settings.HOST,
                settings.PORT,
                settings.WORKERS,
                extra=demo_children() if options["demo"] else (),
                say=self._say,
            )
        except EmbeddedError as error:
            raise CommandError(str(error)) from None

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
