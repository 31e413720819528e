"""The pages of the policy: versions, editor, activation, shadow, agreement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from investigations.choices import Role
from investigations.models import (
    ActivationRequest,
    AuditEvent,
    Automation,
    Backtest,
    Decision,
    Investigation,
    PolicyDraft,
    PolicyVersion,
    Proposal,
    User,
)
from investigations.policy.document import default_policy, parse_policy

DEFAULT = default_policy().text
RULE = "internet-noise"
CAREFUL = DEFAULT.replace(f'name = "{RULE}"', f'name = "{RULE}"\nmode = "propose"')
READS = ["policy", "policy_version", "policy_export", "policy_diff", "policy_agreement", "policy_rule_agreement",
         "policy_draft", "policy_draft_export"]  # fmt: skip
WRITES = ["policy_activate", "policy_shadow", "policy_shadow_end", "policy_request_answer", "policy_rule_mode",
          "policy_draft_create", "policy_draft_save", "policy_draft_check", "policy_draft_store",
          "policy_draft_discard"]  # fmt: skip


def version_of(text: str, **changes: Any) -> PolicyVersion:
    values = {"name": "default", "document": text, "digest": parse_policy(text).digest, "created_by": "lea"}
    return PolicyVersion.objects.create(**values | changes)


@pytest.fixture
def active(db: None) -> PolicyVersion:
    return PolicyVersion.objects.get(active=True)


@pytest.fixture
def other(db: None) -> PolicyVersion:
    return version_of(DEFAULT + "\n# another\n", note="One more remark")


@pytest.fixture
def draft(active: PolicyVersion) -> PolicyDraft:
    return PolicyDraft.objects.create(document=CAREFUL, base=active, author="lea")


@pytest.fixture
def as_lead(client: Client, lead: User) -> Client:
    client.force_login(lead)
    return client


@pytest.fixture
def four_eyes(db: None) -> None:
    Automation.objects.update_or_create(pk=1, defaults={"four_eyes": True})


def address_of(name: str, active: PolicyVersion, draft: PolicyDraft) -> str:
    if name in ("policy", "policy_diff", "policy_draft_create", "policy_shadow_end"):
        return reverse(name)
    if name.startswith("policy_rule"):
        return reverse(name, args=[active.pk, RULE])
    return reverse(name, args=[draft.pk if "draft" in name else active.pk])


def propose(version: PolicyVersion, outcomes: list[str], rule: str = RULE) -> None:
    """One proposal to dismiss for each outcome that a person chose in the end; an empty one: nobody yet."""
    for number, outcome in enumerate(outcomes):
        row = Investigation.objects.create(kind="domain-name", subject=f"x{number}.example", status="needs_review")
        common: dict[str, Any] = {"investigation": row, "severity": "low"}
        first = Decision.objects.create(outcome="needs_review", automatic=True, actor="automation", **common)
        Proposal.objects.create(decision=first, policy=version, rule=rule, outcome="dismissed", **common)
        if outcome:
            Decision.objects.create(outcome=outcome, automatic=False, actor="anna", **common)


class TestRights:
    """Everybody reads, leads and admins write."""

    @pytest.mark.parametrize("role", Role)
    @pytest.mark.parametrize("name", READS)
    def test_it_lets_everybody_read(
        self, client: Client, make_user: Callable[..., User], active: PolicyVersion, draft: PolicyDraft,
        role: Role, name: str,
    ) -> None:  # fmt: skip
        client.force_login(make_user("somebody", role))
        page = client.get(address_of(name, active, draft))

        assert page.status_code == 200
        if role not in (Role.LEAD, Role.ADMIN):
            assert 'action="/policy' not in page.text.replace('action="/policy/diff/"', "")

    @pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST, Role.AUDITOR])
    @pytest.mark.parametrize("name", [*WRITES, "policy_activation"])
    def test_it_lets_only_leads_and_admins_change(
        self, client: Client, make_user: Callable[..., User], active: PolicyVersion, draft: PolicyDraft,
        role: Role, name: str,
    ) -> None:  # fmt: skip
        client.force_login(make_user("somebody", role))
        before = AuditEvent.objects.count()
        method = client.get if name == "policy_activation" else client.post

        assert method(address_of(name, active, draft)).status_code == 403
        assert AuditEvent.objects.count() == before and PolicyDraft.objects.count() == 1


class TestVersions:
    """What is in force, what was, and what differs."""

    def test_it_shows_what_is_in_force(self, as_analyst: Client, active: PolicyVersion, other: PolicyVersion) -> None:
        page = as_analyst.get(reverse("policy")).text

        assert all(rule.name in page for rule in default_policy().rules)
        assert "Dismisses only if" in page and "One more remark" in page
        assert "No version is tried out" in page and "Nobody works on a change" in page

    def test_it_says_what_to_do_when_nothing_is_in_force(self, as_analyst: Client, active: PolicyVersion) -> None:
        PolicyVersion.objects.update(active=False)
        page = as_analyst.get(reverse("policy"))

        assert page.status_code == 200 and "nothing is decided" in page.text

    def test_it_counts_decisions_at_the_cost_of_one_query(
        self, as_analyst: Client, active: PolicyVersion, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(15):
            version_of(f"{DEFAULT}\n# {number}\n")
        row = Investigation.objects.create(kind="domain-name", subject="x.example", status="needs_review")
        decision = {"investigation": row, "outcome": "needs_review", "automatic": True, "severity": "low"}
        Decision.objects.bulk_create([Decision(policy=active, actor="automation", **decision) for _ in range(3)])
        with django_assert_max_num_queries(25):
            page = as_analyst.get(reverse("policy"))

        assert [row.decisions for row in page.context["rows"]] == [0] * 15 + [3]

    def test_it_exports_byte_for_byte(self, as_analyst: Client, active: PolicyVersion, draft: PolicyDraft) -> None:
        answer = as_analyst.get(reverse("policy_export", args=[active.pk]))
        draft_answer = as_analyst.get(reverse("policy_draft_export", args=[draft.pk]))

        assert answer.content == active.document.encode() and draft_answer.content == CAREFUL.encode()
        assert answer["Content-Disposition"] == f'attachment; filename="policy-{active.pk}.toml"'

    def test_it_shows_a_version_that_this_release_cannot_read(self, as_lead: Client, active: PolicyVersion) -> None:
        old = version_of(DEFAULT + "\n# old\n", document="[[rule]]\nold = 1\n")
        page = as_lead.get(reverse("policy_version", args=[old.pk]))

        assert page.status_code == 200 and "no policy for this release" in page.text
        assert reverse("policy_activate", args=[old.pk]) not in page.text
        assert "cannot be put in force" in as_lead.get(reverse("policy_activation", args=[old.pk])).text

    def test_it_compares_in_words_and_in_lines(self, as_analyst: Client, active: PolicyVersion) -> None:
        new = version_of(CAREFUL)
        page = as_analyst.get(reverse("policy_diff"), {"old": active.pk, "new": new.pk}).text

        assert "~ changed" in page and RULE in page and "<ins>propose</ins>" in page
        assert '<span class="mark">+</span><ins>mode = &quot;propose&quot;</ins>' in page

    def test_it_compares_a_draft_that_is_no_policy(
        self, as_analyst: Client, active: PolicyVersion, draft: PolicyDraft
    ) -> None:
        PolicyDraft.objects.update(document="junk\n")
        page = as_analyst.get(reverse("policy_diff"), {"draft": draft.pk}).text

        assert "One of the two texts is no policy" in page and "<ins>junk</ins>" in page

    @pytest.mark.parametrize("query", [{}, {"old": "x"}, {"old": 1}, {"new": "-3"}])
    def test_it_asks_for_two_versions(self, as_analyst: Client, active: PolicyVersion, query: dict[str, Any]) -> None:
        assert "Name two versions" in as_analyst.get(reverse("policy_diff"), query).text

    def test_it_knows_no_version_that_is_not_there(self, as_analyst: Client, active: PolicyVersion) -> None:
        assert as_analyst.get(reverse("policy_diff"), {"old": active.pk, "new": 999}).status_code == 404


class TestActivation:
    """One form, or two people."""

    def test_it_puts_a_version_in_force(self, as_lead: Client, active: PolicyVersion, other: PolicyVersion) -> None:
        page = as_lead.get(reverse("policy_activation", args=[other.pk])).text
        assert "<ins># another</ins>" in page and "has not been tried" in page
        address = reverse("policy_activate", args=[other.pk])
        assert "This field is required" in as_lead.post(address, {"seen": active.pk}).text
        as_lead.post(address, {"seen": active.pk, "reason": "less noise"})

        assert PolicyVersion.objects.get(active=True) == other
        event = AuditEvent.objects.get(action="policy.activated")
        assert (event.actor, event.reason) == ("lea", "less noise")

    def test_it_puts_nothing_in_force_that_was_not_seen(self, as_lead: Client, other: PolicyVersion) -> None:
        page = as_lead.post(reverse("policy_activate", args=[other.pk]), {"seen": 999, "reason": "x"})

        assert "meanwhile" in page.text and not PolicyVersion.objects.get(pk=other.pk).active

    def test_it_shows_the_backtest_of_exactly_this_text(self, as_lead: Client, other: PolicyVersion) -> None:
        run = {"document": other.document, "days": 30, "done": 1234, "state": "done", "summary": {"graves": 2}}
        Backtest.objects.create(digest="0" * 64, **run)
        assert "has not been tried" in as_lead.get(reverse("policy_activation", args=[other.pk])).text
        Backtest.objects.create(digest=other.digest, **run)
        page = as_lead.get(reverse("policy_activation", args=[other.pk])).text
        assert "1,234 decisions of 30 days" in page and "2 times it would dismiss what people had escalated" in page
        Backtest.objects.create(digest=other.digest, **run | {"state": "running", "done": 5, "total": 20})
        assert "5 decisions of 20 so far" in as_lead.get(reverse("policy_activation", args=[other.pk])).text

    def test_it_takes_two_people_with_four_eyes(
        self, four_eyes: None, as_lead: Client, admin: User, active: PolicyVersion, other: PolicyVersion
    ) -> None:
        data = {"seen": active.pk, "reason": "less noise"}
        as_lead.post(reverse("policy_activate", args=[other.pk]), data)
        request = ActivationRequest.objects.get()
        assert PolicyVersion.objects.get(active=True) == active
        assert "Waits for a second person" in as_lead.get(reverse("policy")).text
        page = as_lead.get(reverse("policy_activation", args=[other.pk])).text
        assert "Withdraw it" in page and "Approve" not in page
        own = as_lead.post(reverse("policy_request_answer", args=[request.pk]), {"approve": "yes", "seen": active.pk})
        assert "another person has to approve" in own.text

        as_lead.force_login(admin)
        assert "Approve and put in force" in as_lead.get(reverse("policy_activation", args=[other.pk])).text
        as_lead.post(reverse("policy_request_answer", args=[request.pk]), {"approve": "yes", "seen": active.pk})
        assert PolicyVersion.objects.get(active=True) == other

    def test_it_refuses_with_a_comment(
        self, four_eyes: None, as_lead: Client, admin: User, active: PolicyVersion, other: PolicyVersion
    ) -> None:
        request = ActivationRequest.objects.create(version=other, asked_by=admin, reason="please")
        answer = {"approve": "no", "comment": "not before the audit"}
        as_lead.post(reverse("policy_request_answer", args=[request.pk]), answer)

        assert PolicyVersion.objects.get(active=True) == active
        assert "not before the audit" in as_lead.get(reverse("policy_version", args=[other.pk])).text


class TestShadowAndAgreement:
    """Trying out, and letting act."""

    def test_it_tries_a_version_and_ends_it(self, as_lead: Client, active: PolicyVersion, other: PolicyVersion) -> None:
        page = as_lead.post(reverse("policy_shadow", args=[other.pk]), follow=True).text
        assert PolicyVersion.objects.get(shadow=True) == other and "It has proposed nothing yet" in page
        assert "is in force" in as_lead.post(reverse("policy_shadow", args=[active.pk]), follow=True).text
        as_lead.post(reverse("policy_shadow_end"))
        assert not PolicyVersion.objects.filter(shadow=True).exists()

    def test_it_shows_agreement_in_numbers_and_as_a_picture(self, as_analyst: Client, other: PolicyVersion) -> None:
        propose(other, ["dismissed"] * 8 + ["escalated"] * 2 + [""] * 3)
        page = as_analyst.get(reverse("policy_agreement", args=[other.pk])).text

        words = "8 of 10 (80 %), 95 % interval 49 to 94.3 %"
        assert f'aria-label="{words}"' in page and f"<span>{words}" in page
        assert '<rect class="span" x="49.0" y="2" width="45.3"' in page
        assert "3 proposals without a person&#x27;s word" in page or "3 proposals without a person's word" in page
        assert "10 of 30 proposals that are needed" in page
        wrong = Decision.objects.filter(outcome="escalated").values_list("investigation", flat=True)
        assert all(reverse("investigation_detail", args=[pk]) in page for pk in wrong)

    def test_it_lets_a_rule_act_when_people_agree(self, as_lead: Client, active: PolicyVersion) -> None:
        PolicyVersion.objects.filter(pk=active.pk).update(document=CAREFUL, digest=parse_policy(CAREFUL).digest)
        propose(active, ["dismissed"] * 40)
        assert "People agree enough" in as_lead.get(reverse("policy_rule_agreement", args=[active.pk, RULE])).text
        as_lead.post(reverse("policy_rule_mode", args=[active.pk, RULE]), {"mode": "act", "reason": ""})

        assert PolicyVersion.objects.get(active=True).document == DEFAULT

    def test_it_overrides_only_with_a_reason(self, as_lead: Client, active: PolicyVersion) -> None:
        PolicyVersion.objects.filter(pk=active.pk).update(document=CAREFUL, digest=parse_policy(CAREFUL).digest)
        address = reverse("policy_rule_mode", args=[active.pk, RULE])
        assert "say why" in as_lead.post(address, {"mode": "act", "reason": " "}).text
        assert PolicyVersion.objects.get(active=True) == active
        as_lead.post(address, {"mode": "act", "reason": "It is obvious"})

        assert AuditEvent.objects.get(action="policy.override").reason == "It is obvious"
        assert PolicyVersion.objects.get(active=True).document == DEFAULT

    def test_it_lets_a_rule_only_propose(self, as_lead: Client, active: PolicyVersion) -> None:
        address = reverse("policy_rule_mode", args=[active.pk, RULE])
        as_lead.post(address, {"mode": "propose", "reason": "too many"})

        assert PolicyVersion.objects.get(active=True).document == CAREFUL
        assert "only proposes" in as_lead.get(reverse("policy")).text

    def test_it_knows_no_rule_that_never_was(self, as_analyst: Client, active: PolicyVersion) -> None:
        assert as_analyst.get(reverse("policy_rule_agreement", args=[active.pk, "nobody"])).status_code == 404
