"""The inventory of our own open ports, from a CSV file."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from investigations.management import base
from investigations.policy.wording import counted
from investigations.services.inventory import upload


class Command(base.Command):
    help = "Replace the inventory of open ports of this name by a CSV file: address, port, service."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file")
        parser.add_argument("--name", required=True)
        parser.add_argument("--foreign", action="store_true", help="also addresses that are none of our own networks")

    def run(self, **options: Any) -> None:
        with open(options["file"], encoding="utf-8-sig", newline="") as lines:
            result = upload(lines, name=options["name"], foreign=options["foreign"], actor=base.command_actor())
        if result.problems:
            raise ValueError("; ".join(result.problems))
        text = f"{counted(result.rows, 'line')} about {counted(result.addresses, 'address')}"
        shape = {"rows": result.rows, "addresses": result.addresses}
        self.emit(shape, as_json=options["json"], text=text)
