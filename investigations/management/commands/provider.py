"""Providers from the command line: list, set, test."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from investigations.management import base
from investigations.models import ProviderSettings
from investigations.providers import PROVIDERS
from investigations.services.providers import configure, health, provider_rows, quota, test


class Command(base.Command):
    help = "list; set NAME [--key-stdin] [--url URL] [--enable/--disable]; test NAME"

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="action", required=True)
        listing = commands.add_parser("list", help="all providers and their state")
        change = commands.add_parser("set", help="change one provider")
        change.add_argument("name")
        change.add_argument("--key-stdin", action="store_true", help="read the key from standard input")
        change.add_argument("--url", help="replaces scheme, host and port; empty: the provider's own")
        change.add_argument("--enable", action="store_true", default=None, dest="enabled")
        change.add_argument("--disable", action="store_false", default=None, dest="enabled")
        change.add_argument("--per-minute", type=int, help="lookups a minute; 0: no limit")
        change.add_argument("--per-day", type=int, help="lookups a day; 0: no limit")
        change.add_argument("--freshness", type=int, help="seconds an answer may be reused")
        change.add_argument("--timeout", type=float, help="seconds for one lookup")
        check = commands.add_parser("test", help="make one real call")
        check.add_argument("name")
        for subparser in (listing, change, check):
            subparser.add_argument("--json", action="store_true")

    def run(self, **options: Any) -> None:
        getattr(self, f"_{options['action']}")(**options)

    def _list(self, **options: Any) -> None:
        shapes = [_shape(row) for row in provider_rows()]
        lines = [f"{shape['name']:<14}{shape['health']:<10}{PROVIDERS[shape['name']].label}" for shape in shapes]
        self.emit(shapes, as_json=options["json"], text="\n".join(lines))

    def _set(self, **options: Any) -> None:
        key = sys.stdin.readline().strip() if options["key_stdin"] else None
        changes = {name: options[name] for name in ("url", "enabled", "per_minute", "per_day", "freshness", "timeout")}
        row = configure(options["name"], actor=base.command_actor(), key=key, **changes)
        self.emit(_shape(row), as_json=options["json"], text=f"{row.name}: {health(row)}")

    def _test(self, **options: Any) -> None:
        row = test(options["name"], actor=base.command_actor())
        shape = _shape(row) | {
            "ok": row.test_ok,
            "message": row.test_message,
            "status": row.test_status,
            "plan": row.test_plan,
            "latency_ms": row.test_latency_ms,
        }
        self.emit(shape, as_json=options["json"], text=f"{row.name}: {row.test_message} ({row.test_latency_ms} ms)")
        if not row.test_ok:
            sys.exit(1)


def _shape(row: ProviderSettings) -> dict[str, Any]:
    return {
        "name": row.name,
        "enabled": row.enabled,
        "has_key": row.has_key,
        "health": health(row),
        "quota": quota(row),
    }
