"""The editor of the policy: drafts in the browser, without JavaScript and with the checks that htmx asks for."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from investigations.models import AuditEvent, PolicyDraft, PolicyVersion, User
from investigations.policy.document import default_policy, parse_policy
from tests.views.conftest import HOSTILE, part

DEFAULT = default_policy().text
CAREFUL = DEFAULT.replace('name = "internet-noise"', 'name = "internet-noise"\nmode = "propose"')


@pytest.fixture
def active(db: None) -> PolicyVersion:
    return PolicyVersion.objects.get(active=True)


@pytest.fixture
def other(active: PolicyVersion) -> PolicyVersion:
    text = DEFAULT + "\n# another\n"
    return PolicyVersion.objects.create(name="default", document=text, digest=parse_policy(text).digest)


@pytest.fixture
def draft(active: PolicyVersion) -> PolicyDraft:
    return PolicyDraft.objects.create(document=CAREFUL, base=active, author="lea")


@pytest.fixture
def as_lead(client: Client, lead: User) -> Client:
    client.force_login(lead)
    return client


def test_it_starts_from_a_version_a_file_or_what_ships(as_lead: Client, other: PolicyVersion) -> None:
    address = reverse("policy_draft_create")
    file = SimpleUploadedFile("ours.toml", CAREFUL.replace("\n", "\r\n").encode())
    for data in ({"version": other.pk}, {"file": file}, {}):
        assert as_lead.post(address, data).status_code == 302

    drafts = list(PolicyDraft.objects.order_by("pk"))
    assert [draft.document for draft in drafts] == [other.document, CAREFUL, DEFAULT]
    assert [draft.base for draft in drafts] == [other, None, None]
    assert drafts[1].note == "From the file ours.toml"


@pytest.mark.parametrize(
    "content, why", [(b"\xff\xfe\x00", "no text in UTF-8"), (b"x" * 300_000, "too large"), (b"a\x00b", "Null")]
)
def test_it_refuses_a_file_that_is_no_text(as_lead: Client, active: PolicyVersion, content: bytes, why: str) -> None:
    page = as_lead.post(reverse("policy_draft_create"), {"file": SimpleUploadedFile("x", content)})

    assert page.status_code == 200 and why in page.text
    assert not PolicyDraft.objects.exists()


def test_it_saves_the_text_as_it_was_written(as_lead: Client, draft: PolicyDraft) -> None:
    text = "\n  # ü\n" + DEFAULT
    data = {"document": text.replace("\n", "\r\n"), "note": "why", "revision": 1}
    answer = as_lead.post(reverse("policy_draft_save", args=[draft.pk]), data)
    draft.refresh_from_db()

    assert answer["Location"] == reverse("policy_draft", args=[draft.pk])
    assert (draft.document, draft.note, draft.revision) == (text, "why", 2)
    assert f">\n{text.split('ü')[0]}" in as_lead.get(answer["Location"]).text


def test_it_checks_without_saving(as_lead: Client, draft: PolicyDraft) -> None:
    text = DEFAULT.replace("noise_seen &&", "noise_sen &&", 1)
    line = next(number for number, one in enumerate(text.splitlines(), 1) if "noise_sen " in one)
    address = reverse("policy_draft_check", args=[draft.pk])
    page = as_lead.post(address, {"document": text, "note": "", "revision": 1})
    live = as_lead.post(address, {"document": text}, headers=part("check"))

    for answer in (page, live):
        assert f'data-line="{line}"' in answer.text and "unknown fact" in answer.text
    assert "what you see is not saved" in page.text and "noise_sen &amp;&amp;" in page.text
    assert "<html" not in live.text
    assert PolicyDraft.objects.get().document == CAREFUL


def test_it_shows_both_when_somebody_else_has_saved(as_lead: Client, draft: PolicyDraft) -> None:
    address = reverse("policy_draft_save", args=[draft.pk])
    as_lead.post(address, {"document": "theirs", "revision": 1})
    conflict = as_lead.post(address, {"document": "mine", "revision": 1})

    assert conflict.status_code == 409
    assert "<del>theirs</del>" in conflict.text and "<ins>mine</ins>" in conflict.text
    assert 'name="revision" value="2"' in conflict.text
    assert PolicyDraft.objects.get().document == "theirs"
    as_lead.post(address, {"document": "mine", "revision": 2})
    assert PolicyDraft.objects.get().document == "mine"


def test_it_rescues_what_was_written_when_the_draft_has_gone(as_lead: Client, draft: PolicyDraft) -> None:
    PolicyDraft.objects.all().delete()
    answer = as_lead.post(
        reverse("policy_draft_save", args=[draft.pk]), {"document": "mine", "revision": 1}, follow=True
    )

    assert PolicyDraft.objects.get().document == "mine" and "nothing is lost" in answer.text


def test_it_discards_what_was_seen(as_lead: Client, draft: PolicyDraft) -> None:
    address = reverse("policy_draft_discard", args=[draft.pk])
    assert "Look at it before" in as_lead.post(address, {"revision": 7}, follow=True).text
    assert PolicyDraft.objects.exists()
    as_lead.post(address, {"revision": 1})
    assert not PolicyDraft.objects.exists() and AuditEvent.objects.filter(action="draft.discarded").exists()


def test_it_stores_a_version_with_a_note(as_lead: Client, draft: PolicyDraft) -> None:
    address = reverse("policy_draft_store", args=[draft.pk])
    assert "This field is required" in as_lead.post(address, {"revision": 1}).text
    answer = as_lead.post(address, {"revision": 1, "note": "Careful first"})

    version = PolicyVersion.objects.get(note="Careful first")
    assert answer["Location"] == reverse("policy_version", args=[version.pk]) and not version.active


def test_it_says_why_it_stores_nothing(as_lead: Client, draft: PolicyDraft) -> None:
    PolicyDraft.objects.update(document="junk")
    address = reverse("policy_draft_store", args=[draft.pk])

    assert "1 problem: line 1" in as_lead.post(address, {"revision": 1, "note": "x"}).text
    assert "Somebody else has saved" in as_lead.post(address, {"revision": 2, "note": "x"}).text
    assert PolicyVersion.objects.count() == 1


def test_it_explains_facts_and_completes_words(as_lead: Client, draft: PolicyDraft) -> None:
    page = as_lead.get(reverse("policy_draft", args=[draft.pk])).text

    assert "did anything of ours answer: <code>yes</code>" in page
    assert '<option value="noise_seen" label="fact">' in page and 'label="outcome">' in page


def test_it_is_read_only_for_those_who_may_not_write(as_analyst: Client, draft: PolicyDraft) -> None:
    page = as_analyst.get(reverse("policy_draft", args=[draft.pk])).text

    assert "readonly" in page and "Save and check" not in page and "hx-post" not in page


@pytest.mark.parametrize(
    "text",
    [
        HOSTILE,
        "x" * 65_536,
        "\n" * 65_000,
        "a\n" * 32_000,
        "[[rule]]\n" * 7000,
        "[" * 65_000,
        ".".join("a" * 30_000) + " = 1",
    ],
)
def test_it_shows_junk_as_text(as_lead: Client, draft: PolicyDraft, text: str) -> None:
    saved = as_lead.post(
        reverse("policy_draft_save", args=[draft.pk]), {"document": text, "note": HOSTILE[:80], "revision": 1}
    )
    assert saved.status_code == 302
    for address in (saved["Location"], reverse("policy"), f"{reverse('policy_diff')}?draft={draft.pk}"):
        page = as_lead.get(address)
        assert page.status_code == 200
        assert "<script>alert" not in page.text and "<b hx-get" not in page.text


def test_it_shows_hostile_names_and_reasons_as_text(as_lead: Client, active: PolicyVersion) -> None:
    text = DEFAULT.replace('name = "default"', "name = '''<script>alert(1)</script>'''", 1)
    text = text.replace('reason = "', 'reason = "<b hx-get=x>', 1)
    digest = parse_policy(text).digest
    values = {"name": "<script>alert(1)</script>", "note": HOSTILE, "created_by": HOSTILE[:100]}
    version = PolicyVersion.objects.create(document=text, digest=digest, **values)
    addresses = [
        reverse("policy"),
        reverse("policy_version", args=[version.pk]),
        reverse("policy_activation", args=[version.pk]),
        reverse("policy_rule_agreement", args=[version.pk, parse_policy(text).rules[0].name]),
    ]
    for address in addresses:
        page = as_lead.get(address).text
        assert "<script>alert" not in page and "<b hx-get" not in page and "\u202e" not in page
