"""What people fill in. A form checks and converts; services decide whether it may happen."""

from __future__ import annotations

import ipaddress
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from investigations.access import RIGHTS
from investigations.artifacts import normalise_address, refang
from investigations.choices import Disposition, Role, Severity, TokenScope, Verdict
from investigations.models import User
from investigations.queries.audit import AuditFilters
from investigations.queries.queue import Filters, Network, Tab

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


def read_network(text: str) -> Network | None:
    """An address or a network such as 203.0.113.0/24, defanged or not; None if it is neither."""
    plain = refang(text.strip())
    address = normalise_address(plain)
    try:
        return ipaddress.ip_network(address or plain, strict=False)
    except ValueError:
        return None


def _choices(values: Any, first: str) -> list[tuple[str, str]]:
    return [("", first), *((value.value, value.label) for value in values)]


class QueueForm(forms.Form):
    """The filters of the queue; its state is the URL."""

    tab = forms.ChoiceField(choices=Tab.choices, required=False, widget=forms.HiddenInput)
    q = forms.CharField(max_length=255, required=False, label="Search")
    source = forms.CharField(max_length=100, required=False, label="Source")
    verdict = forms.ChoiceField(choices=_choices(Verdict, "Any verdict"), required=False)
    severity = forms.ChoiceField(choices=_choices(Severity, "Any severity"), required=False)
    assignee = forms.CharField(max_length=150, required=False, label="Held by")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "filter_%s", **kwargs})
        self.fields["source"].widget.attrs |= {"placeholder": "Address or network", "spellcheck": "false"}
        self.fields["assignee"].widget.attrs |= {"placeholder": "Held by", "autocapitalize": "none"}

    def clean_source(self) -> Network | None:
        text = self.cleaned_data["source"]
        network = read_network(text) if text else None
        if text and network is None:
            raise ValidationError("This is neither an address nor a network such as 203.0.113.0/24.")
        return network

    @property
    def tab_shown(self) -> Tab:
        return Tab(self.cleaned_data.get("tab") or Tab.NEEDS_ME)

    @property
    def filters(self) -> Filters:
        """What a valid form narrows the list to; an address in the search field means the source."""
        data = self.cleaned_data
        network = data["source"] or read_network(data["q"])
        return Filters(
            text="" if network and not data["source"] else data["q"],
            network=network,
            verdict=Verdict(data["verdict"]) if data["verdict"] else None,
            severity=Severity(data["severity"]) if data["severity"] else None,
            assignee=data["assignee"],
        )

    @property
    def narrows(self) -> bool:
        """Whether anything but the tab is asked for."""
        return any(value for name, value in self.data.items() if name in self.fields and name != "tab")


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
        field.choices = _choices(self.values, self.first)

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


class ProviderForm(forms.Form):
    """The settings of one provider; an empty key field changes nothing, because a key is never shown again."""

    enabled = forms.BooleanField(required=False, label="Ask this provider")
    key = forms.CharField(
        max_length=500,
        required=False,
        label="API key",
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    remove_key = forms.BooleanField(required=False, label="Remove the stored key")
    url = forms.CharField(
        max_length=200,
        required=False,
        label="Address of the API",
        help_text="Replaces scheme, host and port, for a proxy or a simulator; empty: the provider's own",
    )
    timeout = forms.FloatField(min_value=0.1, max_value=60, label="Seconds for one lookup")
    freshness = forms.IntegerField(
        min_value=0, max_value=30 * 86_400, label="Seconds an answer is reused", help_text="0: ask every time"
    )
    per_minute = forms.IntegerField(min_value=0, max_value=1_000_000, label="Lookups a minute", help_text="0: no limit")
    per_day = forms.IntegerField(min_value=0, max_value=100_000_000, label="Lookups a day", help_text="0: no limit")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("key") and data.get("remove_key"):
            raise ValidationError("Either set a new key or remove the stored one.")
        return data


class UserForm(forms.Form):
    username = forms.CharField(max_length=150, label="Name", widget=forms.TextInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(choices=Role.choices, initial=Role.ANALYST)

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        for validate in User._meta.get_field("username").validators:
            validate(name)
        if User.objects.filter(username=name).exists():
            raise ValidationError("There is already a person with this name.")
        return name

    def clean_role(self) -> Role:
        return Role(self.cleaned_data["role"])


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices)

    def clean_role(self) -> Role:
        return Role(self.cleaned_data["role"])


class TokenForm(forms.Form):
    name = forms.CharField(max_length=100, help_text="The sensor or script that will use it")
    scopes = forms.MultipleChoiceField(
        choices=TokenScope.choices, initial=[TokenScope.INGEST], label="May", widget=forms.CheckboxSelectMultiple
    )
    days = forms.IntegerField(min_value=1, max_value=3650, initial=365, label="Valid for days")

    def clean_scopes(self) -> list[TokenScope]:
        return [TokenScope(value) for value in self.cleaned_data["scopes"]]


class AuditForm(forms.Form):
    """The filters of the audit history; times are in the person's zone."""

    actor = forms.CharField(max_length=150, required=False)
    action = forms.CharField(max_length=60, required=False)
    subject = forms.CharField(max_length=200, required=False)
    since = forms.DateTimeField(required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    until = forms.DateTimeField(required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))

    @property
    def filters(self) -> AuditFilters:
        data = self.cleaned_data
        return AuditFilters(
            data["actor"].strip(), data["action"].strip(), data["subject"].strip(), data["since"], data["until"]
        )
