"""Providers, users and tokens."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from investigations.choices import Role, TokenScope
from investigations.models import User


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
