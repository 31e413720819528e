"""Submitting by hand: everything that was pasted is answered for."""

from __future__ import annotations

from django.urls import reverse

from investigations.models import Investigation
from tests.views.conftest import part


def submit(client, text, reason=""):
    return client.post(reverse("submission_create"), {"text": text, "reason": reason})


def test_it_takes_a_defanged_paste_and_says_what_it_refuses(as_analyst):
    response = submit(as_analyst, "see hxxps://evil[.]example/x and 8.8.8.8, not 999.1.1.1", "phishing")
    assert set(Investigation.objects.values_list("subject", flat=True)) == {"evil.example", "8.8.8.8"}
    assert "2 values taken, 1 refused" in response.text
    assert "999.1.1.1" in response.text and "not an IP address" in response.text
    for investigation in Investigation.objects.all():
        assert investigation.get_absolute_url() in response.text


def test_it_says_which_are_there_already(as_analyst):
    submit(as_analyst, "8.8.8.8")
    response = submit(as_analyst, "8.8.8.8 1.1.1.1")
    assert "1 investigation" in response.text and "was there already" in response.text
    assert Investigation.objects.count() == 2


def test_it_shows_hostile_refusals_as_text(as_analyst):
    response = submit(as_analyst, "<img/src=x.onerror=alert(1)>999.1.1.1 1.2.3.4.5\u202e")
    assert "<img/src" not in response.text and "\u202e" not in response.text.split("Refused")[-1]


def test_it_gives_a_paste_without_artifacts_back(as_analyst):
    response = submit(as_analyst, "nothing to see here")
    assert "no address and no domain" in response.text and "nothing to see here" in response.text
    assert submit(as_analyst, "").status_code == 200
    assert not Investigation.objects.exists()


def test_it_follows_the_investigations_until_they_are_decided(as_analyst, make_investigation):
    running, done = make_investigation(status="enriching"), make_investigation()
    address = reverse("submission_progress")
    both = as_analyst.get(address, {"ids": f"{running.pk},{done.pk}"}, headers=part("progress")).text
    assert 'hx-trigger="every 2s"' in both and "Sentence" in both and "<html" not in both
    one = as_analyst.get(address, {"ids": f"{done.pk}"}, headers=part("progress")).text
    assert "hx-trigger" not in one and "All submitted values are decided." in one


def test_it_ignores_numbers_that_are_none(as_analyst):
    assert as_analyst.get(reverse("submission_progress"), {"ids": "x,,-1,99999999999999999999"}).status_code == 200
