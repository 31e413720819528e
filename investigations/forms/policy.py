"""Drafts, versions and activation of the policy."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from investigations.models import PolicyVersion
from investigations.policy.document import MAX_TEXT, default_policy

MAX_NOTE = 500
WIDEST = 4  # bytes of a character in UTF-8


class PolicyText(forms.CharField):
    """The text of a policy as it is, except for the line ends that browsers send: its digest is its name."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=MAX_TEXT, strip=False, **options)

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n").replace("\r", "\n")


class TextForm(forms.Form):
    """A text that is only checked."""

    document = PolicyText(label="Text of the policy")


class DraftForm(TextForm):
    """A text to save, on top of the revision that the person has seen."""

    note = forms.CharField(max_length=MAX_NOTE, required=False, label="What changes, and why")
    revision = forms.IntegerField(min_value=1, widget=forms.HiddenInput)


class NewDraftForm(forms.Form):
    """What a draft starts as: a file, a stored version, or else the policy that ships."""

    version = forms.ModelChoiceField(PolicyVersion.objects.all(), required=False, widget=forms.HiddenInput)
    file = forms.FileField(required=False, label="A policy file (TOML)")

    def clean_file(self) -> str:
        upload: UploadedFile[Any] | None = self.cleaned_data["file"]
        if upload is None:
            return ""
        if (upload.size or 0) > MAX_TEXT * WIDEST:
            raise ValidationError(f"The file is too large: a policy has at most {MAX_TEXT:,} characters.")
        try:
            text = upload.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ValidationError("The file is no text in UTF-8.") from None
        return PolicyText(required=False).clean(text) or ""

    @property
    def document(self) -> str:
        data = self.cleaned_data
        version: PolicyVersion | None = data["version"]
        return data["file"] or (version.document if version else default_policy().text)

    @property
    def note(self) -> str:
        """Where a file's text comes from."""
        upload = self.files.get("file")
        return f"From the file {upload.name}"[:MAX_NOTE] if upload else ""


class RevisionForm(forms.Form):
    """To discard a draft as it was seen."""

    revision = forms.IntegerField(min_value=1, widget=forms.HiddenInput)


class StoreForm(RevisionForm):
    note = forms.CharField(max_length=MAX_NOTE, label="What changes, and why", widget=forms.Textarea(attrs={"rows": 2}))


class ActivationForm(forms.Form):
    """`seen`: the version that was in force when the person looked at what would change."""

    reason = forms.CharField(max_length=MAX_NOTE, label="Why", widget=forms.Textarea(attrs={"rows": 2}))
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)


class AnswerForm(forms.Form):
    comment = forms.CharField(
        max_length=MAX_NOTE, required=False, label="Comment", widget=forms.Textarea(attrs={"rows": 2})
    )
    approve = forms.TypedChoiceField(
        choices=[("yes", "Approve"), ("no", "Refuse")], coerce=lambda value: value == "yes"
    )
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)


class ModeForm(forms.Form):
    """A reason is only needed where people do not agree enough, or where a rule shall stop to act."""

    reason = forms.CharField(max_length=MAX_NOTE, required=False, label="Why", widget=forms.Textarea(attrs={"rows": 2}))
    mode = forms.ChoiceField(choices=[("act", "acts"), ("propose", "only proposes")], widget=forms.HiddenInput)


class CompareForm(forms.Form):
    """Two versions, or a draft (which is compared with `old`, or else with what is in force)."""

    old = forms.IntegerField(required=False, min_value=1, label="From version")
    new = forms.IntegerField(required=False, min_value=1, label="To version")
    draft = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)
