"""What people do with an investigation, and what they submit."""

from __future__ import annotations

from typing import Any

from django import forms

from investigations.access import RIGHTS
from investigations.choices import Disposition
from investigations.forms.base import choices_of
from investigations.models import User

MAX_COMMENT = 5000
MAX_PASTE = 100_000
ESCALATING = (Disposition.TRUE_POSITIVE, Disposition.BENIGN_POSITIVE, Disposition.UNDETERMINED)
DISMISSING = (
    Disposition.NOISE,
    Disposition.KNOWN_SCANNER,
    Disposition.AUTHORISED_SCAN,
    Disposition.FALSE_POSITIVE,
    Disposition.BENIGN_POSITIVE,
    Disposition.DUPLICATE,
    Disposition.UNDETERMINED,
)


class CommentForm(forms.Form):
    text = forms.CharField(
        max_length=MAX_COMMENT, widget=forms.Textarea(attrs={"rows": 3}), label="What you found, or what is to do"
    )


class ReopenForm(forms.Form):
    comment = forms.CharField(max_length=MAX_COMMENT, widget=forms.Textarea(attrs={"rows": 2}), label="Why")


class DecisionForm(forms.Form):
    """Escalate or dismiss: the disposition is asked for, the comment is welcome."""

    disposition = forms.ChoiceField()
    comment = forms.CharField(
        max_length=MAX_COMMENT, required=False, widget=forms.Textarea(attrs={"rows": 2}), label="Comment (optional)"
    )
    values: tuple[Disposition, ...] = ()
    first = "Choose …"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["disposition"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices_of(self.values, self.first)

    def clean_disposition(self) -> Disposition:
        return Disposition(self.cleaned_data["disposition"])


class EscalateForm(DecisionForm):
    values = ESCALATING


class DismissForm(DecisionForm):
    values = DISMISSING


class AssignForm(forms.Form):
    """Give it to somebody who may work on it, or to nobody."""

    user = forms.ModelChoiceField(User.objects.none(), required=False, empty_label="Nobody", label="Give it to")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        workers = User.objects.filter(is_active=True, role__in=RIGHTS["work"]).order_by("username")
        self.fields["user"].queryset = workers  # type: ignore[attr-defined]


class SubmissionForm(forms.Form):
    text = forms.CharField(
        max_length=MAX_PASTE,
        label="Addresses, domains or links",
        help_text="One or many, in any text: a list, an e-mail, a log. Defanged is fine: hxxps://evil[.]example",
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false", "autocapitalize": "none", "class": "mono"}),
    )
    reason = forms.CharField(
        max_length=500, required=False, label="Reason", help_text="Kept in the timeline of each investigation"
    )
