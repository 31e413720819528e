"""The brakes, undo, and the opinion of a blind review."""

from __future__ import annotations

from typing import Any

from django import forms

from investigations.choices import Opinion
from investigations.models import Automation

MAX_REASON = 500
MAX_COMMENT = 5000
LOCAL = "%Y-%m-%dT%H:%M"  # what a browser's field for date and time reads and writes


def reason_field(**options: Any) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": 2})
    return forms.CharField(max_length=MAX_REASON, widget=widget, **{"label": "Why", **options})


class ReasonForm(forms.Form):
    reason = reason_field()


class CapsForm(forms.Form):
    """Caps of one rule; empty: as for every rule."""

    per_hour = forms.IntegerField(min_value=0, max_value=10_000_000, required=False, label="Dismissals an hour")
    per_day = forms.IntegerField(min_value=0, max_value=10_000_000, required=False, label="Dismissals a day")


class SinceForm(forms.Form):
    """From when on; a time without a zone is in the person's."""

    since = forms.DateTimeField(
        label="Since", widget=forms.DateTimeInput(format=LOCAL, attrs={"type": "datetime-local"})
    )


class UndoForm(forms.Form):
    """`trip` keeps the rule from going on with what is undone."""

    since = forms.DateTimeField(widget=forms.HiddenInput)
    reason = reason_field()
    trip = forms.BooleanField(required=False, initial=True, label="Trip the rule as well")


class SettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    """How fast, under which watch; the service writes what has changed."""

    class Meta:
        model = Automation
        fields = [
            "per_hour", "per_day", "trip_factor", "trip_floor", "min_answering", "sample_percent", "new_rule_percent",
            "new_rule_days", "sample_per_day", "graduate_reviews", "graduate_percent", "four_eyes",
        ]  # fmt: skip
        labels = {
            "per_hour": "Dismissals of one rule an hour",
            "per_day": "Dismissals of one rule a day",
            "trip_factor": "Trip at so many times the usual rate",
            "trip_floor": "But not below so many an hour",
            "min_answering": "Stop everything when fewer providers answer, %",
            "sample_percent": "Dismissals to review, %",
            "new_rule_percent": "Of a new rule, %",
            "new_rule_days": "A rule is new for days",
            "sample_per_day": "At most a day",
            "graduate_reviews": "Proposals with a person's word",
            "graduate_percent": "Agreement at least, %",
            "four_eyes": "A second person approves every policy",
        }
        help_texts = {
            "per_hour": "0: no cap. A rule may have its own",
            "per_day": "0: no cap",
            "trip_floor": "Small rates double easily, and harmlessly",
            "min_answering": "Of the providers with an opinion that were asked in the last ten minutes",
            "graduate_percent": "The lower end of the 95 % interval has to reach it",
        }

    def __init__(self, *args: Any, four_eyes: bool, **kwargs: Any) -> None:
        """`four_eyes`: whether this person may switch them."""
        super().__init__(*args, **kwargs)
        if not four_eyes:
            del self.fields["four_eyes"]

    @property
    def changes(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.changed_data}


class OpinionForm(forms.Form):
    opinion = forms.ChoiceField(choices=Opinion.choices, widget=forms.RadioSelect, label="What would you have done?")
    comment = forms.CharField(
        max_length=MAX_COMMENT, required=False, widget=forms.Textarea(attrs={"rows": 3}), label="Comment (optional)"
    )
