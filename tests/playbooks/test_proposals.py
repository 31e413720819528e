"""Rules that only propose, and a shadow policy: kept apart from decisions, compared with people."""

from __future__ import annotations

import pytest

from investigations.choices import Status
from investigations.models import Actor, Decision, Investigation, PolicyVersion, Proposal
from investigations.policy.document import parse_policy
from investigations.queries.agreement import agreement, rules_agreement, why_not_yet
from investigations.queries.automation import automation
from investigations.services import investigations as workflow
from tests.playbooks.makers import RULE, attacker_evidence, finish_all, judged

pytestmark = pytest.mark.django_db
LEA = Actor("lea")
PROPOSING = f"""
name = "careful"

[[rule]]
name = "{RULE}"
when = "actor_confirmed"
outcome = "dismissed"
disposition = "known_scanner"
quorum = ["greynoise"]
mode = "propose"
reason = "It is {{scanner_name}}"
"""


@pytest.fixture
def proposing() -> PolicyVersion:
    PolicyVersion.objects.update(active=False)
    policy = parse_policy(PROPOSING)
    return PolicyVersion.objects.create(name="careful", document=PROPOSING, digest=policy.digest, active=True)


def test_it_proposes_and_leaves_it_to_a_person(proposing: PolicyVersion) -> None:
    finish_all([judged()])

    decision = Decision.objects.get()
    assert (decision.outcome, decision.rule) == (Status.NEEDS_REVIEW, "held-back")
    assert any("proposes “dismissed”" in reason["text"] for reason in decision.reasons)
    proposal = Proposal.objects.get()
    assert (proposal.rule, proposal.outcome, proposal.policy, proposal.decision) == (
        RULE, Status.DISMISSED, proposing, decision,
    )  # fmt: skip


def settle(number: int, status: str) -> None:
    row = Investigation.objects.get(pk=number)
    if status == "dismissed":
        workflow.dismiss(row, disposition="known_scanner", comment="", actor=LEA)
    else:
        workflow.escalate(row, disposition="true_positive", comment="", actor=LEA)


def test_it_compares_proposals_with_peoples_last_word(proposing: PolicyVersion) -> None:
    runs = [judged(number) for number in range(1, 5)]
    finish_all(runs)
    pks = [run.case.investigation for run in runs]
    settle(pks[0], "dismissed")
    settle(pks[1], "escalated")
    settle(pks[2], "escalated")
    workflow.reopen(Investigation.objects.get(pk=pks[2]), comment="wrong", actor=LEA)
    settle(pks[2], "dismissed")

    found = agreement(proposing.pk, RULE)
    assert (found.n, found.agreed, found.waiting) == (3, 2, 1)
    assert [(one.investigation, one.person, one.by) for one in found.disagreements] == [
        (pks[1], Status.ESCALATED, "lea")
    ]
    assert rules_agreement(proposing.pk)[RULE] == found
    assert agreement(proposing.pk).n == 3


def test_it_says_why_a_rule_may_not_act_yet(proposing: PolicyVersion) -> None:
    run = judged()
    finish_all([run])
    settle(run.case.investigation, "dismissed")
    found, settings = agreement(proposing.pk, RULE), automation()
    assert why_not_yet(found, settings) == "1 of 30 proposals that are needed have a person's word."

    settings.graduate_reviews = 1
    assert why_not_yet(found, settings).startswith("People agreed with 100%, but that may be as little as 21%")
    found.n = found.agreed = 60
    assert why_not_yet(found, settings) == ""


def test_it_lets_a_shadow_policy_judge_beside_the_active_one() -> None:
    shadow = PolicyVersion.objects.create(
        name="shadow", document=PROPOSING.replace('mode = "propose"', ""), digest="1" * 64, shadow=True
    )
    finish_all([judged(1), judged(2, evidence_of=attacker_evidence)])

    assert list(Decision.objects.order_by("pk").values_list("outcome", flat=True)) == ["dismissed", "escalated"]
    rows = shadow.proposals.order_by("pk").values_list("rule", "outcome")
    assert list(rows) == [(RULE, "dismissed"), ("insufficient-data", "needs_review")]


@pytest.mark.parametrize("document", ["not TOML [", PROPOSING.replace("scanner_name", "no_such_fact")])
def test_it_decides_whatever_is_wrong_with_the_shadow(document: str) -> None:
    PolicyVersion.objects.create(name="broken", document=document, digest="2" * 64, shadow=True)
    finish_all([judged()])

    assert Decision.objects.get().outcome == Status.DISMISSED
    assert not Proposal.objects.exists()
