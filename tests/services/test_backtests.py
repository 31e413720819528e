"""Backtests as a queue: asked for, taken by one, renewed, cancelled, taken up again after a kill."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from investigations.choices import BacktestState, Status
from investigations.management.bench.evidence import fill
from investigations.models import (
    Actor,
    AuditEvent,
    Automation,
    Backtest,
    BacktestChange,
    Decision,
    PolicyDraft,
    PolicyVersion,
    SampleReview,
)
from investigations.policy.decide import decide
from investigations.policy.document import MAX_TEXT, default_policy, parse_policy
from investigations.policy.evidence import Evidence
from investigations.policy.tally import Tally
from investigations.queries.backtests import quota_rows, result
from investigations.services import backtest_run, backtests
from investigations.services.backtest_run import run
from investigations.services.backtests import Lost
from tests.playbooks.makers import RULE, dismissed

pytestmark = pytest.mark.django_db
LEA = Actor("lea", user_id=7, address="192.0.2.9")
DEFAULT = default_policy().text
BOLD = DEFAULT.replace("malicious >= malicious_quorum", "malicious >= 1")
BLIND = """
name = "blind"
[[rule]]
name = "away-with-it"
when = 'malicious == 0'
outcome = "dismissed"
disposition = "noise"
quorum = ["warninglists"]
reason = "Away with it"
"""


def asked(document: str = BOLD, **changes: Any) -> Backtest:
    return backtests.ask(document, **{"days": 30, "actor": LEA, **changes})


def ran(backtest: Backtest) -> Backtest:
    lease = backtests.take()
    assert lease and lease.backtest == backtest.pk
    assert run(lease)
    backtest.refresh_from_db()
    assert (backtest.state, backtest.lease) == (BacktestState.DONE, None)
    return backtest


def person(decision: Decision, outcome: Status, actor: str = "anna") -> Decision:
    return Decision.objects.create(
        investigation_id=decision.investigation_id, outcome=outcome, automatic=False, actor=actor, severity="low"
    )


class TestAsking:
    def test_it_stores_what_is_to_be_tried(self) -> None:
        draft = PolicyDraft.objects.create(document=BOLD, author="lea")
        backtest = asked(draft=draft)

        assert (backtest.state, backtest.base, backtest.draft) == ("waiting", PolicyVersion.objects.get(), draft)
        assert backtest.digest == parse_policy(BOLD).digest
        event = AuditEvent.objects.get(action="backtest.asked")
        assert (event.actor, event.subject, event.after["days"]) == ("lea", f"backtest {backtest.pk}", 30)

    @pytest.mark.parametrize(
        "document, days, why",
        [
            ("this is no policy", 30, "no policy yet.*not TOML"),
            (DEFAULT.replace("malicious >=", "no_such_fact >="), 30, "unknown fact"),
            ("x" * (MAX_TEXT + 1), 30, "longer than"),
            (DEFAULT, 0, "from 1 to 365"),
            (DEFAULT, 366, "from 1 to 365"),
        ],
    )
    def test_it_refuses_what_cannot_be_tried(self, document: str, days: int, why: str) -> None:
        with pytest.raises(ValueError, match=why):
            asked(document, days=days)
        assert not Backtest.objects.exists()

    def test_it_lets_only_so_many_wait(self) -> None:
        for _ in range(backtests.MAX_WAITING):
            asked()
        with pytest.raises(ValueError, match="wait already"):
            asked()
        backtests.cancel(Backtest.objects.latest("pk").pk, actor=LEA)
        asked()


class TestRunning:
    def test_it_finds_what_replaying_each_decision_alone_finds(self) -> None:
        fill(400, days=20)
        backtest = ran(asked())
        draft, alone, people = (
            parse_policy(BOLD),
            {},
            dict(Decision.objects.filter(automatic=False).values_list("investigation", "outcome")),
        )
        for row in Decision.objects.filter(automatic=True):
            decided = decide(draft, Evidence.from_json(row.evidence))
            grave = people.get(row.investigation_id) == "escalated" and decided.outcome == "dismissed"
            against = people.get(row.investigation_id) == "dismissed" and decided.outcome == "escalated"
            if decided.outcome != row.outcome or grave or against:
                alone[row.pk] = (row.outcome, row.rule, decided.outcome, decided.rule, grave)

        found = {
            one.decision_id: (one.before, one.before_rule, one.after, one.after_rule, one.grave)
            for one in BacktestChange.objects.all()
        }
        assert found == alone and len(found) > 5
        tally = Tally.from_json(backtest.summary)
        assert (backtest.done, backtest.total, tally.decisions) == (400, 400, 400)
        assert tally.changes == sum(one[0] != one[2] for one in alone.values())
        assert tally.graves == sum(one[4] for one in alone.values())
        assert AuditEvent.objects.get(action="backtest.done").after["changes"] == tally.changes

    def test_it_changes_nothing_with_the_policy_in_force(self) -> None:
        fill(100, days=20)
        backtest = ran(asked(DEFAULT))

        assert backtest.summary["changes"] == backtest.summary["rule_changes"] == 0
        assert set(BacktestChange.objects.values_list("before", "after")) <= {
            ("dismissed", "dismissed"), ("escalated", "escalated")
        }  # fmt: skip

    def test_it_judges_by_the_base_what_another_version_decided(self) -> None:
        other = PolicyVersion.objects.create(name="old", document=BLIND, digest="0" * 64, created_by="lea")
        [one] = dismissed(1)
        Decision.objects.filter(pk=one.pk).update(policy=other, outcome="escalated", rule="gone")

        assert ran(asked(DEFAULT)).summary["changes"] == 0
        assert Backtest.objects.get().summary["rejudged"] == 1
        PolicyVersion.objects.update(active=False)
        assert ran(asked(DEFAULT)).summary["changes"] == 1, "without a base, what was decided then counts"

    def test_it_is_done_at_once_where_nothing_was_decided(self) -> None:
        backtest = ran(asked())

        assert (backtest.done, backtest.total) == (0, 0)
        page = result(backtest, now())
        assert (page["graves"], page["rules"], page["quota"], page["reviews"]) == ([], [], [], 0.0)

    def test_it_looks_only_at_its_days_and_only_at_the_automation(self) -> None:
        old, new, later = dismissed(3)
        Decision.objects.filter(pk=old.pk).update(decided=now() - timedelta(days=8))
        person(new, Status.ESCALATED)
        backtest = asked(days=7)
        Decision.objects.filter(pk=later.pk).update(decided=now() + timedelta(seconds=5))

        assert ran(backtest).summary["decisions"] == 1

    def test_it_lists_graves_first_whatever_a_person_said_before(self) -> None:
        grave, kept, reopened, sampled = dismissed(5)[1:]
        person(grave, Status.DISMISSED)
        person(grave, Status.ESCALATED, "berta")
        person(kept, Status.ESCALATED)
        person(kept, Status.DISMISSED)
        person(reopened, Status.ESCALATED)
        person(reopened, Status.NEEDS_REVIEW)
        SampleReview.objects.create(
            decision=sampled, investigation_id=sampled.investigation_id, rule=RULE, stratum=RULE, share=1.0,
            opinion="escalate", reviewed=now(),
        )  # fmt: skip
        backtest = ran(asked(DEFAULT))

        assert set(BacktestChange.objects.filter(grave=True).values_list("decision", flat=True)) == {
            grave.pk,
            sampled.pk,
        }
        assert backtest.summary["graves"] == 2 and backtest.summary["changes"] == 0
        page = result(backtest, now())
        by_decision = {row.change.decision_id: row.word for row in page["graves"]}
        assert (by_decision[grave.pk].by, by_decision[sampled.pk].by) == ("berta", "")

    def test_it_stores_all_graves_and_so_many_changes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rows = dismissed(9)
        for row in rows[:4]:
            person(row, Status.ESCALATED)
        Decision.objects.filter(automatic=True).update(outcome="needs_review", policy=None)
        PolicyVersion.objects.update(active=False)
        monkeypatch.setattr(backtest_run, "LISTED", 2)
        backtest = ran(asked(DEFAULT))

        assert BacktestChange.objects.filter(grave=True).count() == 4
        assert BacktestChange.objects.filter(grave=False).count() == 2
        assert (backtest.summary["changes"], backtest.summary["unlisted"]) == (9, 3)

    def test_it_passes_over_decisions_without_evidence(self) -> None:
        broken, _ = dismissed(2)
        Decision.objects.filter(pk=broken.pk).update(evidence={})

        summary = ran(asked(DEFAULT)).summary
        assert (summary["unreadable"], summary["decisions"]) == (1, 1)

    def test_it_tells_lookups_against_the_limits_and_expected_reviews(self) -> None:
        fill(300, days=3)
        Automation.objects.filter(pk=1).update(sample_percent=100, sample_per_day=7)
        backtest = ran(asked(DEFAULT))
        tally = Tally.from_json(backtest.summary)
        page = result(backtest, now())

        rows = {row.label: row for row in quota_rows(tally, page["days"])}
        assert "MISP warning lists" not in rows and "VirusTotal" in rows
        assert rows["VirusTotal"].limit == 500 and 80 < rows["VirusTotal"].busiest <= 120
        assert rows["VirusTotal"].lookups == sum(tally.lookups_by_day()["virustotal"].values())
        assert page["reviews"] == 7.0

    def test_it_says_why_a_text_cannot_be_run(self) -> None:
        backtest = asked()
        Backtest.objects.update(document="no policy")
        lease = backtests.take()
        assert lease and run(lease)
        backtest.refresh_from_db()

        assert backtest.state == BacktestState.FAILED and "no policy for this release" in backtest.error

    def test_it_keeps_the_error_in_words(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked()
        lease = backtests.take()
        monkeypatch.setattr("investigations.services.trial.Trial.steps", lambda self: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            assert lease and run(lease)

        assert "ZeroDivisionError" in Backtest.objects.get(state=BacktestState.FAILED).error


class TestLease:
    def test_it_is_held_by_one(self) -> None:
        first, second = asked(), asked()
        one, two, three = backtests.take(), backtests.take(), backtests.take()

        assert one and two and three is None
        assert [one.backtest, two.backtest] == [first.pk, second.pk]
        assert not backtests.waiting()

    def test_it_runs_out_and_then_the_first_holder_writes_nothing_more(self) -> None:
        [one] = dismissed(1)
        asked()
        first = backtests.take()
        assert first
        change = BacktestChange(
            backtest_id=first.backtest, investigation_id=one.investigation_id, decision=one, before="dismissed",
            after="escalated", before_rule="a", after_rule="b",
        )  # fmt: skip
        first = backtests.renew(first, done=1, total=1, summary={"graves": 0}, changes=[change])
        run_out = now() - timedelta(seconds=1)
        Backtest.objects.update(lease=run_out)
        assert backtests.waiting()
        second = backtests.take()
        assert second

        assert not BacktestChange.objects.exists(), "it begins anew"
        assert Backtest.objects.get().done == 0
        for write in (
            lambda: backtests.renew(first, done=9, total=9, summary={"graves": 9}, changes=[change]),
            lambda: backtests.finish(first),
            lambda: backtests.fail(first, "why"),
        ):
            with pytest.raises(Lost):
                write()
        backtests.give_back(first)
        row = Backtest.objects.get()
        assert (row.state, row.lease, row.done) == ("running", second.until, 0)
        assert not BacktestChange.objects.exists()

    def test_it_is_given_up_when_it_ends_every_process(self) -> None:
        backtest = asked()
        for _ in range(backtests.MAX_ATTEMPTS):
            assert backtests.take()
            Backtest.objects.update(lease=now() - timedelta(seconds=1))
        assert backtests.take() is None
        backtest.refresh_from_db()

        assert backtest.state == BacktestState.FAILED and "3 processes ended" in backtest.error

    def test_it_is_given_back_without_counting_the_try(self) -> None:
        dismissed(1)
        backtest = asked()
        for _ in range(backtests.MAX_ATTEMPTS + 2):
            lease = backtests.take()
            assert lease and not run(lease, lambda: True)
            backtest.refresh_from_db()
            assert (backtest.state, backtest.lease, backtest.done) == ("waiting", None, 0)
        ran(backtest)

    def test_it_ends_when_cancelled_and_only_once(self) -> None:
        backtest = asked()
        lease = backtests.take()
        backtests.cancel(backtest.pk, actor=LEA)
        assert lease and not run(lease)
        with pytest.raises(ValueError, match="ended already: cancelled"):
            backtests.cancel(backtest.pk, actor=LEA)
        backtest.refresh_from_db()

        assert (backtest.state, backtest.error) == (BacktestState.CANCELLED, "") and backtest.finished
        assert backtests.take() is None
        event = AuditEvent.objects.get(action="backtest.cancelled")
        assert (event.before, event.actor) == ({"state": "running"}, "lea")
