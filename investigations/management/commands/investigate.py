"""Submit addresses and domains by hand, as the submit page does."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from investigations.management import base
from investigations.queries.shapes import load_shapes
from investigations.services.investigations import submit_values
from investigations.services.waiting import wait_until_settled


class Command(base.Command):
    help = "Investigate addresses or domains, defanged or not."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("values", nargs="+", metavar="VALUE")
        parser.add_argument("--reason", default="", help="why; it goes into the timeline")
        parser.add_argument("--wait", action="store_true", help="until every one has its outcome")

    def run(self, **options: Any) -> None:
        result = submit_values(options["values"], reason=options["reason"], actor=base.command_actor())
        for refused in result.refused:
            self.stderr.write(base.printable(f"{refused.text}: {refused.reason}"))
        ids = [item.investigation_id for item in result.accepted]
        if not ids:
            raise ValueError("nothing to investigate: none of the values is an address or a domain")
        if options["wait"]:
            wait_until_settled(ids)
        shapes = load_shapes(ids)
        self.emit(shapes, as_json=options["json"], text="\n".join(_line(shape) for shape in shapes))


def _line(shape: dict[str, Any]) -> str:
    decision = shape["decision"]
    why = f": {decision['reasons'][0]}" if decision and decision["reasons"] else ""
    return f"INV-{shape['id']} {shape['source']} {shape['status'].replace('_', ' ')}{why}"
