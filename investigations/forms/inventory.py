"""The inventory of our open ports: a search, and an upload."""

from __future__ import annotations

import io
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from investigations.forms.queue import read_network
from investigations.services.inventory import MAX_NAME

MAX_FILE = 64 * 1024 * 1024  # bytes


class OpenPortForm(forms.Form):
    """An address, a network, a port or words; `after` is the last address of the page before."""

    q = forms.CharField(
        max_length=255, required=False, label="Search", widget=forms.TextInput(attrs={"spellcheck": "false"})
    )
    after = forms.GenericIPAddressField(required=False, widget=forms.HiddenInput)

    @property
    def wanted(self) -> dict[str, Any]:
        """What a valid form asks queries.inventory.open_addresses for."""
        text, after = self.cleaned_data["q"], self.cleaned_data["after"]
        if text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= 65535:
            return {"port": int(text), "after": after}
        network = read_network(text) if text else None
        return {"network": network, "words": "" if network else text, "after": after}


class InventoryForm(forms.Form):
    name = forms.CharField(max_length=MAX_NAME, label="Name", help_text="A later file of the same name replaces it")
    file = forms.FileField(
        label="CSV file",
        help_text="Columns address, port and service. No port: looked at, and nothing is open",
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )
    foreign = forms.BooleanField(required=False, label="Take addresses that are none of our own, too")

    def clean_file(self) -> UploadedFile[Any]:
        upload: UploadedFile[Any] = self.cleaned_data["file"]
        if (upload.size or 0) > MAX_FILE:
            raise ValidationError(f"The file is larger than {MAX_FILE // 2**20} MiB: split it by name.")
        return upload

    @property
    def lines(self) -> io.TextIOWrapper:
        """The lines of a valid form's file, read as they are needed; to be closed."""
        return io.TextIOWrapper(self.cleaned_data["file"].file, encoding="utf-8-sig", newline="")
