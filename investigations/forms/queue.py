"""The filters of the queue."""

from __future__ import annotations

import ipaddress
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from investigations.artifacts import normalise_address, refang
from investigations.choices import Severity, Verdict
from investigations.forms.base import choices_of
from investigations.queries.queue import Filters, Network, Tab


def read_network(text: str) -> Network | None:
    """An address or a network such as 203.0.113.0/24, defanged or not; None if it is neither."""
    plain = refang(text.strip())
    address = normalise_address(plain)
    try:
        return ipaddress.ip_network(address or plain, strict=False)
    except ValueError:
        return None


class QueueForm(forms.Form):
    """The filters of the queue; its state is the URL."""

    tab = forms.ChoiceField(choices=Tab.choices, required=False, widget=forms.HiddenInput)
    q = forms.CharField(max_length=255, required=False, label="Search")
    source = forms.CharField(max_length=100, required=False, label="Source")
    verdict = forms.ChoiceField(choices=choices_of(Verdict, "Any verdict"), required=False)
    severity = forms.ChoiceField(choices=choices_of(Severity, "Any severity"), required=False)
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
