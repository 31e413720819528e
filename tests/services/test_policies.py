"""Drafts, versions, activation with two and with four eyes, shadow mode and graduation."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from investigations.choices import Mode, Role, Status
from investigations.models import (
    ActivationRequest,
    Actor,
    AuditEvent,
    Automation,
    Decision,
    Investigation,
    PolicyDraft,
    PolicyVersion,
    Proposal,
    User,
)
from investigations.policy.document import default_policy, parse_policy
from investigations.queries.drafts import check, facts, words
from investigations.services import drafts, policies
from investigations.services.graduation import set_mode

pytestmark = pytest.mark.django_db
LEA = Actor("lea", user_id=7, address="192.0.2.9")
DEFAULT = default_policy().text
RULE = "internet-noise"
CAREFUL = DEFAULT.replace(f'name = "{RULE}"', f'name = "{RULE}"\nmode = "propose"')


def audited(action: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action).order_by("pk"))


def version_of(text: str, **changes: Any) -> PolicyVersion:
    values = {"name": "default", "document": text, "digest": parse_policy(text).digest, "created_by": "lea"}
    return PolicyVersion.objects.create(**values | changes)


@pytest.fixture
def active() -> PolicyVersion:
    return PolicyVersion.objects.get(active=True)


@pytest.fixture
def other() -> PolicyVersion:
    return version_of(DEFAULT + "\n# another\n")


@pytest.fixture
def four_eyes() -> None:
    Automation.objects.update_or_create(pk=1, defaults={"four_eyes": True})


class TestDrafts:
    """Nobody overwrites what he has not seen."""

    def test_it_saves_on_top_of_what_was_seen_and_on_nothing_else(self) -> None:
        draft = drafts.create_draft(DEFAULT, actor=LEA)
        saved = drafts.save_draft(draft.pk, document="one", note="", revision=1, actor=LEA)
        with pytest.raises(drafts.Stale) as stale:
            drafts.save_draft(draft.pk, document="two", note="", revision=1, actor=Actor("anna"))

        assert saved.revision == 2
        assert stale.value.draft.document == "one"
        assert PolicyDraft.objects.get().document == "one"
        assert [event.actor for event in audited("draft.saved")] == ["lea"]

    def test_it_counts_no_save_that_changes_nothing(self) -> None:
        draft = drafts.create_draft("x", actor=LEA)

        assert drafts.save_draft(draft.pk, document="x", note="", revision=1, actor=LEA).revision == 1
        assert not audited("draft.saved")

    def test_it_discards_only_what_was_seen(self) -> None:
        draft = drafts.create_draft("x", actor=LEA)
        drafts.save_draft(draft.pk, document="y", note="", revision=1, actor=LEA)
        with pytest.raises(drafts.Stale):
            drafts.discard_draft(draft.pk, revision=1, actor=LEA)
        drafts.discard_draft(draft.pk, revision=2, actor=LEA)
        with pytest.raises(drafts.Gone):
            drafts.discard_draft(draft.pk, revision=2, actor=LEA)

        [event] = audited("draft.discarded")
        assert event.before["revision"] == 2 and len(event.before["digest"]) == 64

    def test_it_becomes_a_version_and_goes(self, active: PolicyVersion) -> None:
        draft = drafts.create_draft(CAREFUL, base=active, actor=LEA)
        version = drafts.store_draft(draft.pk, note="Careful first", revision=1, actor=LEA)

        assert (version.document, version.note, version.active) == (CAREFUL, "Careful first", False)
        assert version.digest == parse_policy(CAREFUL).digest
        assert not PolicyDraft.objects.exists()
        [event] = audited("policy.stored")
        assert event.after == {"name": "default", "digest": version.digest, "source": f"draft {draft.pk}"}

    @pytest.mark.parametrize(
        "text, why",
        [
            ("junk", "1 problem"),
            (DEFAULT.replace("noise_seen", "noise_sen", 1), "problem"),
            (DEFAULT.replace("published_range'", "decisive > 3 && decisive < 2'", 1), "can never decide"),
            (DEFAULT + '\n[[example]]\nname = "odd"\noutcome = "dismissed"\n', "1 failing example"),
            (DEFAULT + "\n# \u202e\n", "hidden characters: U\\+202E"),
        ],
    )
    def test_it_stores_nothing_that_is_wrong(self, text: str, why: str) -> None:
        draft = drafts.create_draft(text, actor=LEA)
        with pytest.raises(ValueError, match=why):
            drafts.store_draft(draft.pk, note="why not", revision=1, actor=LEA)

        assert PolicyVersion.objects.count() == 1 and PolicyDraft.objects.get() == draft

    def test_it_stores_no_text_twice_and_needs_a_note(self, active: PolicyVersion) -> None:
        draft = drafts.create_draft(active.document, actor=LEA)
        with pytest.raises(ValueError, match=f"This is policy {active.pk} already"):
            drafts.store_draft(draft.pk, note="again", revision=1, actor=LEA)
        with pytest.raises(ValueError, match="Say why"):
            drafts.store_draft(draft.pk, note="  ", revision=1, actor=LEA)

        assert PolicyVersion.objects.count() == 1


class TestCheck:
    """Any text at all has an answer, and soon."""

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "\x00",
            "x" * 65_536,
            "x" * 65_537,
            "[[rule]]\n" * 7000,
            "a = " + "[" * 60_000,
            "a = " + "{a=" * 20_000,
            ".".join("a" * 30_000) + " = 1",
            "\n".join(["." * 200 + "x"] * 300),
            '[[rule]]\nname = "<script>alert(1)</script>"\n',
            DEFAULT.replace("when = '", "when = '" + "(" * 900, 1),
        ],
    )
    def test_it_refuses_junk_and_bombs(self, text: str) -> None:
        checked = check(text)

        assert checked.policy is None and checked.blocking
        assert 1 <= len(checked.problems) <= 100

    def test_it_checks_again_when_other_providers_are_asked(self) -> None:
        from investigations.models import ProviderSettings

        ProviderSettings.objects.update(enabled=True)
        assert not [one for one in check(DEFAULT).findings if "is not enabled" in one.message]
        ProviderSettings.objects.filter(name="greynoise").update(enabled=False)
        assert [one for one in check(DEFAULT).findings if "is not enabled" in one.message]

    def test_it_says_where_an_example_fails(self) -> None:
        text = DEFAULT + '\n[[example]]\nname = "odd"\noutcome = "dismissed"\n'
        [(example, line)] = check(text).failing

        assert example.name == "odd" and text.splitlines()[line - 1] == "[[example]]"
        assert not [one for one in check(text).findings if "odd" in one.message], "it is told once"

    def test_it_explains_every_fact_and_completes_every_word(self) -> None:
        assert [fact.name for fact in facts() if not fact.meaning] == []
        assert {fact.type for fact in facts()} == {"text", "number", "yes or no", "list"}
        assert ("noise_seen", "fact") in words() and ("needs_review", "outcome") in words()
        assert {word for word, place in words() if place == "key"} >= {"when", "quorum", "mode", "malicious_quorum"}


class TestActivation:
    """Exactly one version decides."""

    def test_it_needs_a_reason_and_a_version_that_can_be_used(self, active: PolicyVersion) -> None:
        broken = version_of(DEFAULT + "\n# x\n", document="junk")
        for version, reason, why in [
            (999, "why", "no policy version 999"),
            (broken.pk, "why", "cannot be used"),
            (active.pk, "why", "in force already"),
            (active.pk, " ", "Say why"),
        ]:
            with pytest.raises(ValueError, match=why):
                policies.activate(version, reason=reason, actor=LEA)
        assert PolicyVersion.objects.get(active=True) == active

    def test_it_refuses_what_was_not_seen(self, active: PolicyVersion, other: PolicyVersion) -> None:
        third = version_of(CAREFUL)
        policies.activate(other.pk, reason="first", seen=active.pk, actor=LEA)
        with pytest.raises(ValueError, match="meanwhile"):
            policies.activate(third.pk, reason="second", seen=active.pk, actor=LEA)

        assert PolicyVersion.objects.get(active=True) == other

    def test_it_ends_its_shadow_and_its_requests(self, other: PolicyVersion, lead: User) -> None:
        policies.put_in_shadow(other.pk, actor=LEA)
        request = ActivationRequest.objects.create(version=other, asked_by=lead, reason="please")
        activated = policies.activate(other.pk, reason="now", actor=LEA)
        request.refresh_from_db()

        assert (activated.active, activated.shadow) == (True, False) and activated.activated
        assert request.answered and request.approved is False
        assert audited("policy.activated")[0].reason == "now"

    def test_it_needs_two_people_with_four_eyes(
        self, four_eyes: None, other: PolicyVersion, lead: User, admin: User
    ) -> None:
        with pytest.raises(ValueError, match="Four eyes"):
            policies.activate(other.pk, reason="alone", actor=LEA)
        request = policies.ask(other.pk, reason="less noise", user=lead, actor=LEA)
        with pytest.raises(ValueError, match="lea has asked"):
            policies.ask(other.pk, reason="again", user=admin, actor=Actor("ada"))
        with pytest.raises(ValueError, match="another person"):
            policies.answer(request.pk, approve=True, comment="", user=lead, actor=LEA)
        assert not PolicyVersion.objects.get(pk=other.pk).active

        policies.answer(request.pk, approve=True, comment="fine", user=admin, actor=Actor("ada"))
        with pytest.raises(ValueError, match="answered already"):
            policies.answer(request.pk, approve=False, comment="", user=admin, actor=Actor("ada"))
        assert PolicyVersion.objects.get(active=True) == other
        assert [audited(f"policy.{what}")[0].actor for what in ("activation_asked", "activated")] == ["lea", "ada"]

    def test_it_refuses_or_withdraws_without_a_change(
        self, four_eyes: None, active: PolicyVersion, other: PolicyVersion, lead: User
    ) -> None:
        request = policies.ask(other.pk, reason="less noise", user=lead, actor=LEA)
        policies.answer(request.pk, approve=False, comment="not yet", user=lead, actor=LEA)

        assert PolicyVersion.objects.get(active=True) == active
        assert policies.ask(other.pk, reason="once more", user=lead, actor=LEA)

    def test_it_approves_only_what_was_seen(
        self, four_eyes: None, active: PolicyVersion, other: PolicyVersion, lead: User, admin: User
    ) -> None:
        request = policies.ask(other.pk, reason="less noise", user=lead, actor=LEA)
        policies.activate(version_of(CAREFUL).pk, reason="it burns", actor=LEA, emergency=True)
        with pytest.raises(ValueError, match="meanwhile"):
            policies.answer(request.pk, approve=True, comment="", user=admin, actor=LEA, seen=active.pk)

        assert ActivationRequest.objects.get().answered is None
        assert audited("policy.activated_in_emergency")[0].reason == "it burns"


@pytest.mark.django_db(transaction=True)
def test_it_leaves_exactly_one_in_force_when_many_activate_at_once() -> None:
    versions = [version_of(f"{DEFAULT}\n# {number}\n") for number in range(6)]
    start, refused = threading.Barrier(len(versions)), []

    def put(version: PolicyVersion) -> None:
        try:
            start.wait(20)
            policies.activate(version.pk, reason="mine", seen=seen, actor=LEA)
        except ValueError as error:
            refused.append(str(error))
        finally:
            connection.close()

    seen = PolicyVersion.objects.get(active=True).pk
    threads = [threading.Thread(target=put, args=[version]) for version in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert refused == [policies.MOVED] * (len(versions) - 1)
    [winner] = PolicyVersion.objects.filter(active=True)
    assert [event.subject for event in audited("policy.activated")] == [f"policy {winner.pk}"]


@pytest.mark.django_db(transaction=True)
def test_it_saves_one_of_two_that_save_at_once() -> None:
    draft = drafts.create_draft("start", actor=LEA)
    start, stale = threading.Barrier(2), []

    def save(text: str) -> None:
        try:
            start.wait(20)
            drafts.save_draft(draft.pk, document=text, note="", revision=1, actor=LEA)
        except drafts.Stale as error:
            stale.append(error.draft.document)
        finally:
            connection.close()

    threads = [threading.Thread(target=save, args=[text]) for text in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    draft.refresh_from_db()
    assert draft.revision == 2 and stale == [draft.document]


class TestShadow:
    """One version at most is tried beside the one in force."""

    def test_it_changes_and_ends(self, active: PolicyVersion, other: PolicyVersion) -> None:
        third = version_of(CAREFUL)
        policies.put_in_shadow(other.pk, actor=LEA)
        policies.put_in_shadow(third.pk, actor=LEA)
        for version, why in [(active.pk, "in force"), (third.pk, "already"), (999, "no policy version")]:
            with pytest.raises(ValueError, match=why):
                policies.put_in_shadow(version, actor=LEA)

        assert PolicyVersion.objects.get(shadow=True) == third
        assert policies.end_shadow(actor=LEA) == third.pk
        with pytest.raises(ValueError, match="No version"):
            policies.end_shadow(actor=LEA)
        assert [event.before for event in audited("policy.shadowed")] == [{"shadow": None}, {"shadow": other.pk}]
        assert audited("policy.shadow_ended")[0].after == {"shadow": None}


@pytest.fixture
def proposals(active: PolicyVersion) -> Callable[..., None]:
    """So many proposals of RULE to dismiss, and what people did."""

    def make(agreed: int, otherwise: int = 0) -> None:
        PolicyVersion.objects.filter(pk=active.pk).update(document=CAREFUL, digest=parse_policy(CAREFUL).digest)
        for number in range(agreed + otherwise):
            row = Investigation.objects.create(kind="domain-name", subject=f"x{number}.example", status="needs_review")
            common = {"investigation": row, "severity": "low"}
            first = Decision.objects.create(outcome="needs_review", automatic=True, actor="automation", **common)
            outcome = Status.DISMISSED if number < agreed else Status.ESCALATED
            Proposal.objects.create(decision=first, policy=active, rule=RULE, outcome=Status.DISMISSED, **common)
            Decision.objects.create(outcome=outcome, automatic=False, actor="anna", **common)

    return make


class TestGraduation:
    """A rule acts when people agree enough, or when somebody answers for it."""

    def test_it_lets_a_rule_act_when_people_agree(
        self, active: PolicyVersion, proposals: Callable[..., None], lead: User
    ) -> None:
        proposals(40)
        changed = set_mode(RULE, Mode.ACT, seen=active.pk, reason="", user=lead, actor=LEA)

        assert changed.version.document == DEFAULT and changed.version.active and changed.request is None
        [event] = audited("policy.rule_graduated")
        assert (event.subject, event.after["n"], event.after["agreed"]) == (f"rule {RULE}", 40, 40)
        assert event.reason == "People agreed with 40 of 40 proposals."

    def test_it_overrides_only_with_a_reason_and_keeps_the_numbers(
        self, active: PolicyVersion, proposals: Callable[..., None], lead: User
    ) -> None:
        proposals(20, 20)
        with pytest.raises(ValueError, match="say why"):
            set_mode(RULE, Mode.ACT, seen=active.pk, reason=" ", user=lead, actor=LEA)
        assert PolicyVersion.objects.count() == 1
        set_mode(RULE, Mode.ACT, seen=active.pk, reason="I answer for it", user=lead, actor=LEA)

        [event] = audited("policy.override")
        assert event.reason == "I answer for it"
        assert (event.after["n"], event.after["rate"], event.after["needed_low"]) == (40, 50.0, 90)
        assert 34 < event.after["low"] < 36

    def test_it_lets_a_rule_only_propose_and_goes_back_to_the_same_text(
        self, active: PolicyVersion, lead: User
    ) -> None:
        with pytest.raises(ValueError, match="Say why"):
            set_mode(RULE, Mode.PROPOSE, seen=active.pk, reason="", user=lead, actor=LEA)
        careful = set_mode(RULE, Mode.PROPOSE, seen=active.pk, reason="too many", user=lead, actor=LEA).version
        again = set_mode(RULE, Mode.ACT, seen=careful.pk, reason="they are fine", user=lead, actor=LEA).version

        assert [rule.name for rule in parse_policy(careful.document).rules if rule.proposes] == [RULE]
        assert again == active and PolicyVersion.objects.count() == 2

    def test_it_asks_with_four_eyes(self, four_eyes: None, active: PolicyVersion, lead: User) -> None:
        changed = set_mode(RULE, Mode.PROPOSE, seen=active.pk, reason="too many", user=lead, actor=LEA)

        assert changed.request and changed.request.version == changed.version
        assert PolicyVersion.objects.get(active=True) == active

    @pytest.mark.parametrize(
        "rule, mode, behind, why",
        [
            ("nobody", Mode.ACT, 0, "no rule nobody"),
            (RULE, Mode.ACT, 0, "acts already"),
            (RULE, Mode.PROPOSE, 1, "meanwhile"),
        ],
    )
    def test_it_refuses_what_cannot_be(
        self, active: PolicyVersion, make_user: Callable[..., User], rule: str, mode: Mode, behind: int, why: str
    ) -> None:
        with pytest.raises(ValueError, match=why):
            seen = active.pk + behind
            set_mode(rule, mode, seen=seen, reason="why", user=make_user("lou", Role.LEAD), actor=LEA)
