"""Our own lists from the command line: show, add, renew, remove, import, export."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils.timezone import now

from investigations.choices import ListKind
from investigations.management import base
from investigations.models import ListEntry
from investigations.policy.windows import read_windows
from investigations.services import list_files, lists

SHOWN_PROBLEMS = 20


class Command(base.Command):
    help = "show; add KIND VALUE --label --owner --reason; renew, remove NUMBER; import FILE; export"

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="action", required=True)
        show = commands.add_parser("show", help="the entries")
        show.add_argument("--kind", choices=ListKind.values)
        add = commands.add_parser("add", help="put something on a list")
        _describe(add)
        renew = commands.add_parser("renew", help="let an entry hold for longer")
        renew.add_argument("number", type=int)
        renew.add_argument("--reason", default="")
        remove = commands.add_parser("remove", help="take an entry off its list; it is kept as history")
        remove.add_argument("number", type=int)
        remove.add_argument("--reason", required=True)
        bring = commands.add_parser("import", help="entries from a CSV file, all or none")
        bring.add_argument("file")
        export = commands.add_parser("export", help="every entry as CSV, which can be imported")
        for subparser in (add, renew):
            subparser.add_argument("--days", type=int, default=lists.DEFAULT_DAYS, help="until it expires")
        for subparser in (add, bring):
            subparser.add_argument("--confirm", action="store_true", help="store what is doubtful, too")
        for subparser in (show, add, renew, remove, bring, export):
            subparser.add_argument("--json", action="store_true")

    def run(self, **options: Any) -> None:
        getattr(self, f"_{options['action']}")(**options)

    def _show(self, **options: Any) -> None:
        rows = ListEntry.objects.kept().order_by("kind", "pk")
        shapes = [_shape(row) for row in (rows.filter(kind=options["kind"]) if options["kind"] else rows)]
        lines = [
            f"{one['number']:>5}  {one['kind']:<19}{one['value']:<28}{one['label']} ({one['owner']})" for one in shapes
        ]
        self.emit(shapes, as_json=options["json"], text="\n".join(lines) or "the lists are empty")

    def _add(self, **options: Any) -> None:
        entry = lists.Entry(
            kind=ListKind(options["kind"]),
            expires=_in_days(options["days"]),
            windows=read_windows(options["windows"]),
            targets=options["targets"],
            **{name: options[name] for name in ("value", "label", "owner", "reason", "ticket", "zone")},
        )
        row = lists.add(entry, actor=base.command_actor(), confirmed=options["confirm"])
        self.emit(_shape(row), as_json=options["json"], text=f"{row.value} is on the list: entry {row.pk}")

    def _renew(self, **options: Any) -> None:
        expires = _in_days(options["days"])
        row = lists.renew(options["number"], expires=expires, reason=options["reason"], actor=base.command_actor())
        self.emit(_shape(row), as_json=options["json"], text=f"{row.value} holds until {row.expires:%Y-%m-%d}")

    def _remove(self, **options: Any) -> None:
        row = lists.remove(options["number"], reason=options["reason"], actor=base.command_actor())
        self.emit(_shape(row), as_json=options["json"], text=f"{row.value} is off the list")

    def _import(self, **options: Any) -> None:
        text = Path(options["file"]).read_text(encoding="utf-8-sig")
        result = list_files.import_csv(text, actor=base.command_actor(), confirmed=options["confirm"])
        wrong = [*result.problems, *(f"{doubt} (--confirm takes it)" for doubt in result.doubts)]
        if wrong:
            more = [f"and {len(wrong) - SHOWN_PROBLEMS} more"] if len(wrong) > SHOWN_PROBLEMS else []
            raise ValueError("nothing was imported: " + "; ".join([*wrong[:SHOWN_PROBLEMS], *more]))
        shape = {"added": result.added, "skipped": result.skipped, "expired": result.expired}
        text = f"{result.added} added, {result.skipped} were there already, {result.expired} have expired"
        self.emit(shape, as_json=options["json"], text=text)

    def _export(self, **options: Any) -> None:
        rows = list(ListEntry.objects.kept().order_by("kind", "pk"))
        text = list_files.export_csv(rows)
        if options["json"] or self.stdout.isatty():
            self.emit([_shape(row) for row in rows], as_json=options["json"], text=text.rstrip())
        else:
            self.stdout.write(text, ending="")  # byte for byte, for a file


def _describe(parser: CommandParser) -> None:
    """What an entry is made of."""
    parser.add_argument("kind", choices=ListKind.values)
    parser.add_argument("value", help="an address, a network or a domain")
    parser.add_argument("--label", required=True, help="what it is")
    parser.add_argument("--owner", required=True, help="who answers for it")
    parser.add_argument("--reason", required=True)
    parser.add_argument("--ticket", default="")
    parser.add_argument("--windows", default="", help="of an authorised scanner: 'Mon-Fri 22:00-04:00; Sun all day'")
    parser.add_argument("--zone", default="UTC", help="the time zone of the windows")
    parser.add_argument("--target", action="append", default=[], dest="targets", help="a network that it may scan")


def _in_days(days: int) -> Any:
    try:
        return now() + timedelta(days=days)
    except OverflowError:
        raise ValueError(f"{days} days is out of reach") from None


def _shape(row: ListEntry) -> dict[str, Any]:
    return {"number": row.pk, **lists.shape_of(row), "hits": row.hits, "last_hit": row.last_hit}
