"""The playbook for a reconnaissance alert: who is it, what do others say, what follows."""

from __future__ import annotations

from investigations.artifacts import domain_scope
from investigations.choices import ArtifactKind, Outcome
from investigations.playbooks.base import Output, Playbook, Waiting
from investigations.playbooks.case import Case, CaseArtifact
from investigations.policy.decide import decide
from investigations.policy.flips import nearest_flip
from investigations.policy.verdicts import artifact_verdicts


class ReconTriage(Playbook):
    """Investigate the source and its domain together, and decide once, from all of the evidence."""

    name = "recon-triage"
    version = "1.0"
    steps = ("collect_artifacts", "enrich", "judge", "decide", "act")

    def collect_artifacts(self, case: Case) -> Output:
        case.ask(case.subject)
        return {"artifacts": [case.subject.value], "scope": case.subject.scope.value}

    def enrich(self, case: Case) -> Waiting:
        """Take answers as they come; a name that reverse DNS brings is asked about at once."""
        while (lookup := (yield)) is not None:
            for name in case.new_domains(lookup.domains):
                scope = domain_scope(name, test_networks=self.test_networks)
                case.ask(CaseArtifact(name, ArtifactKind.DOMAIN, scope, "reverse DNS"))
        return self._tally(case)

    def judge(self, case: Case) -> Output:
        evidence = case.freeze(self.now())
        case.verdicts = artifact_verdicts(evidence, self.policy.signals)
        return {value: verdict.value for value, verdict in case.verdicts.items()}

    def decide(self, case: Case) -> Output:
        assert case.evidence is not None
        case.decided = decide(self.policy, case.evidence)
        case.flip = nearest_flip(self.policy, case.evidence) or ""
        return {"outcome": case.decided.outcome.value, "rule": case.decided.rule}

    def act(self, case: Case) -> Output:
        """The engine writes the decision; this step says what that means for people."""
        assert case.decided is not None
        return {"status": case.decided.outcome.value, "severity": case.decided.severity.value}

    def input_of(self, step: str, case: Case) -> Output:
        if step == "collect_artifacts":
            return {"source": case.subject.value}
        if step == "enrich":
            return {"artifacts": list(case.artifacts)}
        return {}

    def _tally(self, case: Case) -> Output:
        tally: dict[str, int] = {}
        for lookup in case.lookups:
            outcome = Outcome.TIMEOUT if lookup.pending else lookup.outcome
            tally[outcome.value] = tally.get(outcome.value, 0) + 1
        return {"asked": len(case.lookups), **tally}
