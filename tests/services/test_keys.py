"""Provider keys: sealed to their row, rotated, and never shown again in any place where somebody could look."""

from __future__ import annotations

import base64
import io
import json
import logging
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection

from investigations.crypto import SealBroken, fingerprint, seal, unseal
from investigations.models import Actor, AuditEvent, ProviderSettings
from investigations.services.providers import configure, provider_rows
from investigations.services.providers import test as check_connection

ADA = Actor("ada", address="192.0.2.9")
KEY = "sk-very-secret-0123456789"


def encryption_key(letter: bytes) -> str:
    return base64.b64encode(letter * 32).decode()


def test_it_opens_what_it_has_sealed_and_never_seals_alike() -> None:
    sealed = seal(KEY, "provider:virustotal:key")

    assert unseal(sealed, "provider:virustotal:key") == KEY
    assert KEY not in sealed and base64.b64encode(KEY.encode()).decode() not in sealed
    assert seal(KEY, "provider:virustotal:key") != sealed


@pytest.mark.parametrize(
    "fault", ["another row", "another key id", "changed", "cut", "not base64", "empty", "no key id"]
)
def test_it_does_not_open_what_was_tampered_with(fault: str) -> None:
    sealed = seal(KEY, "a")
    key_id, _, text = sealed.partition(":")
    blob = bytearray(base64.b64decode(text))
    blob[-1] ^= 1
    tampered = {
        "another row": sealed,
        "another key id": f"k9:{text}",
        "changed": f"{key_id}:{base64.b64encode(blob).decode()}",
        "cut": f"{key_id}:{base64.b64encode(blob[:10]).decode()}",
        "not base64": f"{key_id}:{text[:-2]}*é",
        "empty": "",
        "no key id": text,
    }[fault]

    with pytest.raises(SealBroken) as caught:
        unseal(tampered, "b" if fault == "another row" else "a")
    assert KEY not in str(caught.value)


def test_it_opens_with_every_listed_key_and_seals_with_the_first(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = f"old:{encryption_key(b'1')}"
    sealed = seal(KEY, "a")
    settings.ENCRYPTION_KEYS = f"new:{encryption_key(b'2')},old:{encryption_key(b'1')}"

    assert unseal(sealed, "a") == KEY
    assert seal(KEY, "a").startswith("new:")
    settings.ENCRYPTION_KEYS = f"new:{encryption_key(b'2')}"
    with pytest.raises(SealBroken, match="'old'"):
        unseal(sealed, "a")
    # A key under another's name is not that key
    settings.ENCRYPTION_KEYS = f"old:{encryption_key(b'2')}"
    with pytest.raises(SealBroken):
        unseal(sealed, "a")


@pytest.mark.parametrize(
    "configured", ["", "k1", "k1:", ":AAAA", "k1:not base64", f"k1:{encryption_key(b'1')},k2:AAAA"]
)
def test_it_refuses_keys_that_are_none(settings: Any, configured: str) -> None:
    settings.ENCRYPTION_KEYS = configured
    with pytest.raises(ImproperlyConfigured) as caught:
        seal(KEY, "a")
    assert encryption_key(b"1") not in str(caught.value)


def test_it_tells_two_keys_apart_without_showing_either(settings: Any) -> None:
    here = fingerprint(KEY)
    assert here != fingerprint(KEY + "x") and here == fingerprint(KEY)
    settings.SECRET_KEY = "of another installation"
    assert fingerprint(KEY) != here


@pytest.mark.django_db
def test_it_does_not_open_in_the_row_of_another_provider() -> None:
    configure("virustotal", actor=ADA, key=KEY)
    stolen = ProviderSettings.objects.get(name="virustotal").sealed_key
    ProviderSettings.objects.filter(name="abuseipdb").update(sealed_key=stolen, enabled=True)

    with pytest.raises(SealBroken):
        _ = ProviderSettings.objects.get(name="abuseipdb").key
    row = check_connection("abuseipdb", actor=ADA)
    assert row.test_ok is False
    assert "does not open" in row.test_message


def output_of(*arguments: str) -> str:
    out = io.StringIO()
    call_command("provider", *arguments, stdout=out)
    return out.getvalue()


def test_it_shows_the_key_nowhere(simulator: Any, admin: Any, client: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    simulator.set_fault("virustotal", "error")
    configure("virustotal", actor=ADA, key=KEY)
    with pytest.raises(ValueError) as refused:
        configure("virustotal", actor=ADA, key=f"{KEY} {KEY}")
    row = check_connection("virustotal", actor=ADA)
    with pytest.raises(ValueError) as no_such:
        configure("nobody", actor=ADA, key=KEY)
    client.force_login(admin)
    places = {
        "audit": json.dumps(list(AuditEvent.objects.values("actor", "action", "subject", "before", "after", "reason"))),
        "list": output_of("list", "--json") + output_of("list"),
        "errors": f"{refused.value!r} {no_such.value!r} {row.test_message}",
        "log": caplog.text + " ".join(str(record.__dict__) for record in caplog.records),
        "words": repr(provider_rows()) + str(row) + repr(row.__dict__),
        "pages": client.get("/providers/").content.decode() + client.get("/providers/virustotal/").content.decode(),
    }

    assert "provider.key_changed" in places["audit"]
    assert {name for name, text in places.items() if KEY in text} == set()
    assert row.key == KEY


@pytest.mark.django_db
def test_it_is_sealed_in_every_table() -> None:
    configure("virustotal", actor=ADA, key=KEY)
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(t::text, '') FROM investigations_providersettings AS t")
        (text,) = cursor.fetchone()

    assert KEY not in text
