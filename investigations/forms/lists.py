"""Entries of our own lists."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.forms.formsets import BaseFormSet
from django.utils.timezone import get_current_timezone_name, localtime, now

from investigations.choices import ListKind
from investigations.forms.queue import read_network
from investigations.models import ListEntry
from investigations.policy.windows import DAYS, MAX_WINDOWS
from investigations.queries.lists import entries_of
from investigations.services.lists import DEFAULT_DAYS, LIMITS, MAX_VALUE, Entry

PLAIN = {"spellcheck": "false", "autocapitalize": "none", "autocomplete": "off", "class": "mono"}
CSV = {"accept": ".csv,text/csv"}
CLOCK = "%H:%M"
MAX_FILE = 4 * 1024 * 1024  # bytes of an import
MAX_TARGETS_TEXT = 20_000
EMPTY_WINDOWS = 2  # rows for further windows
LISTED = ("kind", "value", "label", "owner", "reason", "ticket", "zone")


def day_field(label: str, *, required: bool) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(required=required, label=label, widget=widget)


def end_of(day: date) -> datetime:
    """The last second of a day in the person's zone."""
    return localtime().replace(
        year=day.year, month=day.month, day=day.day, hour=23, minute=59, second=59, microsecond=0
    )


class ListForm(forms.Form):
    """One list, and what to look for on it; its state is the URL."""

    kind = forms.ChoiceField(choices=ListKind.choices, required=False, widget=forms.HiddenInput)
    q = forms.CharField(
        max_length=255, required=False, label="Search", widget=forms.TextInput(attrs={"spellcheck": "false"})
    )

    @property
    def kind_shown(self) -> ListKind:
        kind = self.cleaned_data.get("kind")
        return ListKind(kind) if kind else ListKind.ALLOW

    @property
    def rows(self) -> Any:
        """An address or a network finds what overlaps it; anything else is words."""
        text = self.cleaned_data.get("q", "")
        network = read_network(text) if text else None
        return entries_of(self.kind_shown, "" if network else text, network)


class EntryForm(forms.Form):
    """One entry of a list; the form of an authorised scanner also has its scope, and windows in a form set of its own.

    `entry` is the one that is changed, if any.
    """

    kind = forms.ChoiceField(choices=ListKind.choices, widget=forms.HiddenInput)
    value = forms.CharField(
        max_length=MAX_VALUE, label="Address, network or domain", widget=forms.TextInput(attrs=PLAIN)
    )
    label = forms.CharField(max_length=LIMITS["label"], label="What it is", help_text="Reasons name it like that")
    owner = forms.CharField(max_length=LIMITS["owner"], label="Owner", help_text="Who answers for it")
    ticket = forms.CharField(max_length=LIMITS["ticket"], required=False, label="Ticket (optional)")
    reason = forms.CharField(max_length=LIMITS["reason"], label="Reason", widget=forms.Textarea(attrs={"rows": 2}))
    expires = day_field("Holds until the end of", required=True)
    targets = forms.CharField(
        max_length=MAX_TARGETS_TEXT,
        required=False,
        label="May scan",
        widget=forms.Textarea(attrs={"rows": 3, **PLAIN}),
        help_text="Our addresses and networks, one a line; empty: all of them",
    )
    zone = forms.CharField(
        max_length=64,
        required=False,
        label="Time zone of the windows",
        widget=forms.TextInput(attrs=PLAIN),
        help_text="A name such as Europe/Berlin",
    )
    confirmed = forms.BooleanField(required=False, label="I mean it")

    def __init__(self, *args: Any, kind: ListKind, entry: ListEntry | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.doubt = ""  # what to confirm before it is stored
        self.entry = entry
        self.list_kind = kind
        if kind != ListKind.AUTHORISED_SCANNER:
            del self.fields["targets"], self.fields["zone"]
        if kind in (ListKind.AUTHORISED_SCANNER, ListKind.OWN_NETWORK):
            self.fields["value"].label = "Address or network"
        if kind == ListKind.OWN_NETWORK:
            self.fields["expires"].required = False
            self.fields["expires"].label = "Look at it again on"
            self.fields["expires"].help_text = "It counts until somebody removes it"

    def clean_kind(self) -> ListKind:
        return self.list_kind

    def clean_targets(self) -> list[str]:
        return str(self.cleaned_data["targets"]).split()

    def clean_expires(self) -> datetime | None:
        """The end of the day; an expiry that is not touched stays as it is, whatever the zone of the person."""
        day: date | None = self.cleaned_data["expires"]
        if day is None:
            return None
        kept = self.entry.expires if self.entry else None
        try:
            return kept if kept and localtime(kept).date() == day else end_of(day)
        except OverflowError:
            raise ValidationError("This date is out of reach.") from None

    def entry_with(self, windows: list[dict[str, Any]]) -> Entry:
        """What a valid form says."""
        data = self.cleaned_data
        return Entry(
            **{name: data[name] for name in ("kind", "value", "label", "owner", "reason", "ticket", "expires")},
            windows=windows,
            zone=data.get("zone") or "UTC",
            targets=data.get("targets", ()),
        )


class WindowForm(forms.Form):
    """One window in which a scanner may scan; left empty it is none."""

    days = forms.TypedMultipleChoiceField(
        choices=list(enumerate(DAYS)), coerce=int, required=False, widget=forms.CheckboxSelectMultiple, label="Days"
    )
    begin = forms.TimeField(
        required=False,
        label="From",
        widget=forms.TimeInput(attrs={"type": "time"}, format=CLOCK),
        input_formats=[CLOCK],
    )
    end = forms.TimeField(
        required=False, label="To", widget=forms.TimeInput(attrs={"type": "time"}, format=CLOCK), input_formats=[CLOCK]
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        given = [bool(data.get("days")), data.get("begin") is not None, data.get("end") is not None]
        if any(given) and not all(given) and not self.errors and not data.get("DELETE"):
            raise ValidationError("A window needs days and both times. Leave all of it empty for none.")
        return data


class _Windows(BaseFormSet):  # type: ignore[type-arg]
    deletion_widget = forms.CheckboxInput

    @property
    def windows(self) -> list[dict[str, Any]]:
        """The windows of a valid form set, as entries hold them."""
        rows = [form.cleaned_data for form in self.forms if form not in self.deleted_forms]
        return [
            {"days": sorted(row["days"]), "from": f"{row['begin']:{CLOCK}}", "to": f"{row['end']:{CLOCK}}"}
            for row in rows
            if row.get("days")
        ]


WindowForms = forms.formset_factory(
    WindowForm, formset=_Windows, extra=EMPTY_WINDOWS, max_num=MAX_WINDOWS, absolute_max=MAX_WINDOWS, can_delete=True
)


def initial_entry(kind: ListKind, given: Mapping[str, str], owner: str) -> dict[str, Any]:
    """What the form of a new entry begins with: what a link says, and an expiry in three months."""
    return {
        "kind": kind,
        "value": given.get("value", "")[:MAX_VALUE],
        "owner": owner,
        "expires": localtime(now() + timedelta(days=DEFAULT_DAYS)).date(),
        "zone": get_current_timezone_name(),
    }


def values_of(entry: ListEntry) -> dict[str, Any]:
    """An entry as its form shows it."""
    values: dict[str, Any] = {name: getattr(entry, name) for name in LISTED}
    expires = localtime(entry.expires).date() if entry.expires else None
    return values | {"expires": expires, "targets": "\n".join(entry.targets)}


def windows_of(entry: ListEntry | None) -> list[dict[str, Any]]:
    """Its windows as their forms show them."""
    windows = entry.windows if entry else []
    return [{"days": window["days"], "begin": window["from"], "end": window["to"]} for window in windows]


class RenewForm(forms.Form):
    expires = day_field("Holds until the end of", required=True)
    reason = forms.CharField(max_length=LIMITS["reason"], required=False, label="Why (optional)")

    def clean_expires(self) -> datetime:
        try:
            return end_of(self.cleaned_data["expires"])
        except OverflowError:
            raise ValidationError("This date is out of reach.") from None


class RemoveForm(forms.Form):
    reason = forms.CharField(max_length=LIMITS["reason"], label="Why", widget=forms.Textarea(attrs={"rows": 2}))


class ImportForm(forms.Form):
    file = forms.FileField(label="CSV file", widget=forms.FileInput(attrs=CSV))
    confirmed = forms.BooleanField(required=False, label="Take what is doubtful, too")

    def clean_file(self) -> str:
        upload: UploadedFile[Any] = self.cleaned_data["file"]
        if (upload.size or 0) > MAX_FILE:
            raise ValidationError(f"The file is larger than {MAX_FILE // 2**20} MiB: import it in parts.")
        try:
            text: str = upload.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ValidationError("The file is no text in UTF-8.") from None
        return text
