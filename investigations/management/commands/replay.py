"""Recompute the last automatic decision of an investigation from its frozen evidence."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from investigations.management import base
from investigations.models import Decision
from investigations.services.replay import replay


class Command(base.Command):
    help = "Decide again on frozen evidence, and say whether it is the same; exit 1 if not."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("investigation", help="its number, with or without INV-")

    def run(self, **options: Any) -> None:
        number = options["investigation"].upper().removeprefix("INV-")
        if not number.isdecimal():
            raise ValueError(f"{options['investigation']!r} is not the number of an investigation")
        decisions = Decision.objects.filter(investigation=int(number), automatic=True, policy__isnull=False)
        decision = decisions.select_related("policy").order_by("-pk").first()
        if decision is None:
            raise ValueError(f"INV-{number} has no automatic decision")
        result = replay(decision)
        verdict = "the same" if result.same else f"different in {', '.join(result.differences) or 'its evidence'}"
        rule = f"rule {decision.rule}, policy {decision.policy_id}"
        text = f"INV-{number}: {decision.outcome} by {rule}; replayed: {verdict}"
        self.emit(result.as_json(), as_json=options["json"], text=text)
        if not result.same:
            sys.exit(1)
