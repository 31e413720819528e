"""Recompute the last automatic decision of an investigation from its frozen evidence."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from investigations.management import base
from investigations.models import Decision
from investigations.services.replay import from_record, replay


class Command(base.Command):
    help = "Decide again on frozen evidence, and say whether it is the same; exit 1 if not."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("investigation", nargs="?", help="its number, with or without INV-")
        what.add_argument("--file", help="a decision that was exported as evidence.json, here or elsewhere")

    def run(self, **options: Any) -> None:
        decision = _exported(options["file"]) if options["file"] else _stored(options["investigation"])
        result = replay(decision)
        verdict = "the same" if result.same else f"different in {', '.join(result.differences) or 'its evidence'}"
        rule = f"rule {decision.rule}, policy {decision.policy_id}"
        text = f"INV-{decision.investigation_id}: {decision.outcome} by {rule}; replayed: {verdict}"
        self.emit(result.as_json(), as_json=options["json"], text=text)
        if not result.same:
            sys.exit(1)


def _stored(name: str) -> Decision:
    number = name.upper().removeprefix("INV-")
    if not number.isdecimal():
        raise ValueError(f"{name!r} is not the number of an investigation")
    decisions = Decision.objects.filter(investigation=int(number), automatic=True, policy__isnull=False)
    decision = decisions.select_related("policy").order_by("-pk").first()
    if decision is None:
        raise ValueError(f"INV-{number} has no automatic decision")
    return decision


def _exported(path: str) -> Decision:
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, RecursionError):
        raise ValueError(f"{path} holds no JSON") from None
    return from_record(record)
