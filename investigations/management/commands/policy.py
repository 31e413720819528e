"""The policy from the command line: look at it, check a file, bring it in from Git, put a version in force."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from investigations.management import backtests, base
from investigations.management import policies as shapes
from investigations.models import PolicyVersion
from investigations.queries.drafts import check
from investigations.queries.policies import shadow_version
from investigations.services import policies as services


class Command(base.Command):
    help = "show; validate, lint, import, backtest FILE; export, activate VERSION; diff A B; shadow VERSION or off"

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="action", required=True)
        show = commands.add_parser("show", help="the policy in force")
        validate = commands.add_parser("validate", help="check a policy file")
        lint = commands.add_parser("lint", help="check a policy file, run its examples, and find what makes no sense")
        bring = commands.add_parser("import", help="store a policy file as a version; it is not put in force")
        bring.add_argument("--note", default="", help="what changes, and why")
        for subparser in (validate, lint, bring):
            subparser.add_argument("file")
        export = commands.add_parser("export", help="print the text of a stored version")
        export.add_argument("version", type=int)
        diff = commands.add_parser("diff", help="what changes from A to B, each the number of a version or a file")
        diff.add_argument("old", metavar="A")
        diff.add_argument("new", metavar="B")
        activate = commands.add_parser("activate", help="put a stored version in force")
        activate.add_argument("version", type=int)
        activate.add_argument("--reason", default="from the command line")
        activate.add_argument("--emergency", metavar="REASON", help="do it although another person has to approve")
        shadow = commands.add_parser("shadow", help="let a version judge beside the one in force, or none (off)")
        shadow.add_argument("version", metavar="VERSION|off")
        backtest = commands.add_parser("backtest", help="try a policy file on the decisions of the last days")
        backtest.add_argument("file")
        backtest.add_argument("--days", type=int, default=30)
        for subparser in (show, validate, lint, bring, export, diff, activate, shadow, backtest):
            subparser.add_argument("--json", action="store_true")

    def run(self, **options: Any) -> None:
        getattr(self, f"_{options['action']}")(**options)

    def _show(self, **options: Any) -> None:
        version = PolicyVersion.objects.filter(active=True).first()
        if version is None:
            raise ValueError("no policy is in force: run manage.py prepare")
        in_shadow = shadow_version()
        shape = {
            "version": version.pk,
            "name": version.name,
            "digest": version.digest,
            "shadow": in_shadow.pk if in_shadow else None,
            "versions": list(PolicyVersion.objects.order_by("pk").values_list("pk", flat=True)),
            "document": version.document,
        }
        self.emit(shape, as_json=options["json"], text=f"# version {version.pk}\n{version.document}")

    def _validate(self, **options: Any) -> None:
        problems = [str(problem) for problem in check(shapes.read(options["file"])).problems]
        if problems and not options["json"]:
            raise ValueError("; ".join(problems))
        self.emit({"ok": not problems, "problems": problems}, as_json=options["json"], text="the policy can be used")
        if problems:
            raise SystemExit(1)

    def _lint(self, **options: Any) -> None:
        checked = check(shapes.read(options["file"]))
        self.emit(shapes.check_shape(checked), as_json=options["json"], text=shapes.check_text(checked))
        if checked.blocking:
            raise SystemExit(1)

    def _import(self, **options: Any) -> None:
        text, note = shapes.read(options["file"]), options["note"] or f"from the file {options['file']}"
        version, created = services.store(text, note=note, actor=base.command_actor(), source="file")
        shape = {"version": version.pk, "created": created, "digest": version.digest}
        words = "is stored; it is not in force" if created else "is this text already, word for word"
        self.emit(shape, as_json=options["json"], text=f"policy {version.pk} {words}")

    def _export(self, **options: Any) -> None:
        version = shapes.stored(options["version"])
        if options["json"] or self.stdout.isatty():
            shape = {"version": version.pk, "digest": version.digest, "document": version.document}
            self.emit(shape, as_json=options["json"], text=version.document)
        else:
            self.stdout.write(version.document, ending="")  # byte for byte, for a file

    def _diff(self, **options: Any) -> None:
        comparison = shapes.compared(options["old"], options["new"])
        self.emit(shapes.comparison_shape(comparison), as_json=options["json"], text=shapes.comparison_text(comparison))

    def _activate(self, **options: Any) -> None:
        version = services.activate(
            options["version"],
            reason=options["emergency"] or options["reason"],
            actor=base.command_actor(),
            emergency=options["emergency"] is not None,
        )
        self.emit({"version": version.pk}, as_json=options["json"], text=f"policy {version.pk} is in force")

    def _backtest(self, **options: Any) -> None:
        trial, graves = backtests.try_out(
            backtests.policy_in(options["file"]), days=options["days"], say=self._progress
        )
        shape, text = backtests.shape(trial, graves), backtests.summary(trial, graves)
        self.emit(shape, as_json=options["json"], text=text)
        if graves:
            raise SystemExit(1)

    def _progress(self, text: str) -> None:
        self.stderr.write(text)

    def _shadow(self, **options: Any) -> None:
        wanted, actor = options["version"], base.command_actor()
        if wanted == "off":
            ended = services.end_shadow(actor=actor)
            self.emit({"shadow": None}, as_json=options["json"], text=f"policy {ended} does not judge any more")
        else:
            version = services.put_in_shadow(shapes.number(wanted), actor=actor)
            text = f"policy {version.pk} judges in the shadow: it only proposes"
            self.emit({"shadow": version.pk}, as_json=options["json"], text=text)
