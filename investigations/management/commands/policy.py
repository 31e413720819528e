"""The policy from the command line: show what is in force, check a file, activate a stored version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from investigations.management import base
from investigations.models import PolicyVersion
from investigations.policy.document import validate
from investigations.providers import PROVIDERS
from investigations.services.policies import activate


class Command(base.Command):
    help = "show; validate FILE; activate VERSION"

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="action", required=True)
        show = commands.add_parser("show", help="the policy in force")
        check = commands.add_parser("validate", help="check a policy file")
        check.add_argument("file")
        switch = commands.add_parser("activate", help="put a stored version in force")
        switch.add_argument("version", type=int)
        for subparser in (show, check, switch):
            subparser.add_argument("--json", action="store_true")

    def run(self, **options: Any) -> None:
        getattr(self, f"_{options['action']}")(**options)

    def _show(self, **options: Any) -> None:
        version = PolicyVersion.objects.filter(active=True).first()
        if version is None:
            raise ValueError("no policy is in force: run manage.py prepare")
        shape = {
            "version": version.pk,
            "name": version.name,
            "digest": version.digest,
            "versions": list(PolicyVersion.objects.order_by("pk").values_list("pk", flat=True)),
            "document": version.document,
        }
        self.emit(shape, as_json=options["json"], text=f"# version {version.pk}\n{version.document}")

    def _validate(self, **options: Any) -> None:
        problems = validate(Path(options["file"]).read_text(encoding="utf-8"), PROVIDERS)
        shape = {"ok": not problems, "problems": [str(problem) for problem in problems]}
        if problems and not options["json"]:
            raise ValueError("; ".join(str(problem) for problem in problems))
        self.emit(shape, as_json=options["json"], text="the policy can be used")
        if problems:
            raise SystemExit(1)

    def _activate(self, **options: Any) -> None:
        version = activate(options["version"], actor=base.command_actor())
        self.emit({"version": version.pk}, as_json=options["json"], text=f"policy {version.pk} is in force")
