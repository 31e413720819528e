"""What to try on the past, and which of its changes to look at."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from investigations.forms.base import choices_of
from investigations.models import PolicyDraft, PolicyVersion
from investigations.queries.backtests import AGAINST, GRAVE, NEW, OUTCOMES, ChangeFilters
from investigations.services.backtests import MAX_DAYS

RULE_LENGTH = 100


class BacktestForm(forms.Form):
    """One text, of a draft as it is saved or of a stored version, and how far to look back."""

    draft = forms.ModelChoiceField(PolicyDraft.objects.defer("document").order_by("-updated"), required=False)
    version = forms.ModelChoiceField(
        PolicyVersion.objects.defer("document").order_by("-pk"), required=False, label="or version"
    )
    days = forms.IntegerField(min_value=1, max_value=MAX_DAYS, initial=30, label="Days")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("draft", "version"):
            self.fields[name].empty_label = "None"  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and bool(data.get("draft")) == bool(data.get("version")):
            raise ValidationError("Choose a draft or a version: one of both.")
        return data

    @property
    def document(self) -> str:
        chosen: PolicyDraft | PolicyVersion = self.cleaned_data["draft"] or self.cleaned_data["version"]
        return chosen.document


class ChangesForm(forms.Form):
    """The filters of the list of changes; their state is the URL."""

    before = forms.ChoiceField(choices=choices_of(OUTCOMES, "Anything"), required=False, label="From")
    after = forms.ChoiceField(choices=choices_of(OUTCOMES, "Anything"), required=False, label="To")
    rule = forms.CharField(max_length=RULE_LENGTH, required=False, label="Rule")
    kind = forms.ChoiceField(
        choices=[
            ("", "All of them"),
            (GRAVE, "Escalated by people, would be dismissed"),
            (NEW, "Those of them that were not dismissed before"),
            (AGAINST, "Dismissed by people, would be escalated"),
        ],
        required=False,
        label="Show",
    )

    @property
    def filters(self) -> ChangeFilters:
        data = self.cleaned_data
        return ChangeFilters(data["before"], data["after"], data["rule"].strip(), data["kind"])
