"""From the wire to the decision: the real providers ask the simulated world, and the default policy judges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from investigations.choices import ArtifactKind, Outcome, Status
from investigations.policy.decide import Decided, decide
from investigations.policy.document import default_policy, validate
from investigations.policy.evidence import Answer, Evidence, ScanFacts
from investigations.providers import PROVIDERS
from investigations.providers.base import Provider, ProviderConfig, ProviderError
from investigations.simulator import Simulator
from investigations.simulator.apis import APIS
from tests.policy.makers import ASKED, DECIDED, QUIET

V4, V6, DOMAIN = ArtifactKind.IPV4, ArtifactKind.IPV6, ArtifactKind.DOMAIN


@pytest.fixture(scope="module")
def world() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture(autouse=True)
def _simulated_world(world: Simulator, settings: Any) -> None:
    settings.DNS_SERVER = world.dns_server
    settings.ALLOW_TEST_NETWORKS = True


def ask(provider: Provider, value: str, kind: ArtifactKind) -> tuple[Answer, tuple[str, ...]]:
    blank = Answer(provider.name, provider.label, value, kind.value, Outcome.OK.value, reputation=provider.reputation)
    try:
        found = provider.lookup(value, kind)
    except ProviderError as error:
        return replace(blank, outcome=error.outcome.value, summary=error.message), ()
    told = {"verdict": found.verdict.value, "strength": found.strength.value, "facts": dict(found.facts)}
    return replace(blank, outcome=found.outcome.value, summary=found.summary, asked=ASKED, **told), found.domains


def judge(world: Simulator, source: str, kind: ArtifactKind = V4, scan: ScanFacts = QUIET) -> Decided:
    answers: list[Answer] = []
    waiting = [(source, kind)]
    while waiting:
        value, of_kind = waiting.pop()
        for name, provider in PROVIDERS.items():
            if of_kind in provider.accepts:
                url = world.http_url(name) if name in APIS else ""
                answer, domains = ask(provider(ProviderConfig(key="good", url=url)), value, of_kind)
                answers.append(answer)
                waiting += [(domain, DOMAIN) for domain in domains]
    submitted = not scan.alerts
    evidence = Evidence(source, kind.value, "public", scan, tuple(answers), DECIDED, submitted=submitted)
    return decide(default_policy(), evidence)


@pytest.mark.parametrize(
    ("source", "kind", "outcome", "rule"),
    [
        ("203.0.113.66", V4, Status.ESCALATED, "malicious-noise"),
        ("2001:db8:7::99", V6, Status.ESCALATED, "malicious-noise"),
        ("192.0.2.31", V4, Status.ESCALATED, "malicious-active"),
        ("192.0.2.200", V4, Status.ESCALATED, "possibly-targeted"),
        ("198.51.100.10", V4, Status.DISMISSED, "known-scanner-confirmed"),
        ("198.51.100.53", V4, Status.DISMISSED, "business-service"),
        ("198.51.100.214", V4, Status.NEEDS_REVIEW, "unconfirmed-scanner"),
        ("198.51.100.99", V4, Status.NEEDS_REVIEW, "tor-exit"),
        ("203.0.113.77", V4, Status.NEEDS_REVIEW, "weak-reports"),
    ],
)
def test_it_judges_every_persona_by_its_story(
    world: Simulator, source: str, kind: ArtifactKind, outcome: Status, rule: str
) -> None:
    decision = judge(world, source, kind)
    assert (decision.outcome, decision.rule) == (outcome, rule)


def test_it_judges_a_submitted_domain(world: Simulator) -> None:
    assert judge(world, "malicious.example", DOMAIN, ScanFacts()).outcome == Status.ESCALATED
    assert judge(world, "hosting.example", DOMAIN, ScanFacts()).outcome == Status.NEEDS_REVIEW


def test_it_names_only_providers_that_exist() -> None:
    assert validate(default_policy().text, PROVIDERS) == []
