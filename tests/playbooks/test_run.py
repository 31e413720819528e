"""Running a playbook: steps in order, recorded; whatever a playbook does wrong, the case is judged and handed over."""

from __future__ import annotations

from datetime import UTC, datetime

from investigations.choices import ArtifactKind, Outcome, RunStatus, Scope, Status
from investigations.playbooks.base import Output, Run, Waiting
from investigations.playbooks.case import Case, CaseArtifact, Lookup
from investigations.playbooks.recon import ReconTriage
from investigations.policy.document import default_policy

MOMENT = datetime(2026, 11, 24, 12, tzinfo=UTC)


def make_case() -> Case:
    return Case(1, 1, CaseArtifact("203.0.113.7", ArtifactKind.IPV4, Scope.PUBLIC, "source"), MOMENT)


def run_of(playbook: type[ReconTriage], case: Case | None = None) -> Run:
    return Run(playbook(default_policy(), lambda: MOMENT, test_networks=True), case or make_case())


def finish(run: Run) -> Case:
    """As the engine does when nothing is awaited any more."""
    run.advance()
    while run.is_waiting:
        run.resume(None)
        run.advance()
    return run.case


def answered(run: Run, domains: tuple[str, ...]) -> Lookup:
    return Lookup(run.case.subject, "dns", "DNS", False, outcome=Outcome.OK, domains=domains)


def test_it_runs_the_steps_in_order_and_records_them():
    run = run_of(ReconTriage)
    case = finish(run)

    assert [record.name for record in run.records] == ["Collect artifacts", "Enrich", "Judge", "Decide", "Act"]
    assert all(record.status == RunStatus.COMPLETED for record in run.records)
    assert case.decided is not None
    assert case.decided.outcome == Status.NEEDS_REVIEW


def test_it_asks_about_each_name_once_and_about_no_more_than_three():
    run = run_of(ReconTriage)
    run.advance()
    run.case.wanted = []
    run.resume(answered(run, ("a.example", "b.example", "a.example")))
    run.resume(answered(run, ("b.example", "c.example", "d.example", "e.example")))

    assert [artifact.value for artifact in run.case.wanted] == ["a.example", "b.example", "c.example"]


def test_it_names_no_name_of_the_house_as_public():
    run = run_of(ReconTriage)
    run.advance()
    run.resume(answered(run, ("printer.local",)))

    assert run.case.artifacts["printer.local"].scope == Scope.INTERNAL


class Broken(ReconTriage):
    def enrich(self, case: Case) -> Waiting:
        yield
        raise KeyError("no such thing")


class Endless(ReconTriage):
    def enrich(self, case: Case) -> Waiting:
        while True:
            yield


class NeverDecides(ReconTriage):
    def decide(self, case: Case) -> Output:
        raise ZeroDivisionError


def test_it_hands_over_what_a_broken_step_leaves():
    run = run_of(Broken)
    case = finish(run)

    assert run.records[1].status == RunStatus.FAILED
    assert "KeyError" in run.records[1].error
    assert case.decided is not None
    assert (case.decided.outcome, case.decided.rule) == (Status.NEEDS_REVIEW, "run-failed")


def test_it_ends_a_step_that_never_ends():
    case = finish(run_of(Endless))

    assert case.decided is not None
    assert case.decided.outcome == Status.NEEDS_REVIEW


def test_it_ends_without_a_decision_rather_than_not_at_all():
    run = run_of(NeverDecides)
    case = finish(run)

    assert run.is_finished
    assert case.decided is None
    assert "Decide" in case.error
