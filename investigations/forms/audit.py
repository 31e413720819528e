"""The filters of the audit history."""

from __future__ import annotations

from django import forms

from investigations.queries.audit import AuditFilters


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
