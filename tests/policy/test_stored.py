"""Evidence that an earlier release has stored: its digest and its decision stay, to the last letter."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from investigations.policy.decide import decide
from investigations.policy.document import default_policy, parse_policy
from investigations.policy.evidence import Evidence, Held, ScanFacts
from tests.policy.makers import QUIET, entry, evidence, noise, remembered

STORED = Path(__file__).with_name("stored")
DECISIONS: list[dict[str, Any]] = json.loads((STORED / "decisions.json").read_text(encoding="utf-8"))
RULES = [one["decision"]["rule"] for one in DECISIONS]

# As it stands in a database of the first release
LITERAL = (
    '{"answers":[{"artifact":"203.0.113.66","asked":"2026-11-24T06:00:00+00:00","facts":{"noise_seen":true},"fresh":true,'
    '"kind":"ipv4-addr","label":"GreyNoise","outcome":"ok","provider":"greynoise","reputation":true,"simulated":false,'
    '"strength":"context","summary":"","verdict":"unknown"}],"decided":"2026-11-24T06:00:05+00:00","error":"",'
    '"kind":"ipv4-addr","scan":{"alerts":4,"answered":false,"answered_ports":[],"beyond_recon":false,"domains":[],'
    '"first":"","last":"","ports":2,"severity":"low","signatures":[],"targets":3,"techniques":[],"top_ports":[22,23]},'
    '"schema":1,"scope":"public","source":"203.0.113.66","submitted":false}'
)


@pytest.mark.parametrize("stored", DECISIONS, ids=RULES)
def test_it_replays_a_stored_decision_to_the_last_letter(stored: dict[str, Any]) -> None:
    policy = parse_policy((STORED / "policy.toml").read_text(encoding="utf-8"))
    evidence = Evidence.from_json(stored["evidence"])
    assert evidence.as_json() == stored["evidence"] and evidence.digest == stored["digest"]
    again = json.loads(json.dumps(decide(policy, evidence).as_json()))
    assert again.pop("proposals") == []
    assert again == stored["decision"]


@pytest.mark.parametrize("stored", DECISIONS, ids=RULES)
def test_it_still_decides_stored_evidence_the_same_way(stored: dict[str, Any]) -> None:
    decision = decide(default_policy(), Evidence.from_json(stored["evidence"]))
    same = ("outcome", "rule", "severity", "disposition", "verdict", "targeting", "headline")
    assert {name: str(getattr(decision, name)) for name in same} == {name: stored["decision"][name] for name in same}


def test_it_reads_evidence_of_the_first_schema_and_keeps_its_digest() -> None:
    old = Evidence.from_json(json.loads(LITERAL))
    assert old.digest == "e46224a8d86b23d01f462268f75e1782fee9e06d16bb6294b8924c100f70e80b"
    assert (old.lists, old.memory, old.held, old.scan.exposed) == ((), (), (), None)
    decision = decide(default_policy(), old)
    assert (decision.outcome, decision.rule) == ("dismissed", "internet-noise")


@pytest.mark.parametrize(
    "added",
    [
        {"lists": (entry("deny"),)},
        {"memory": (remembered("noise"),)},
        {"held": (Held("*", "stopped"),)},
        {"scan": replace(QUIET, exposed=2, exposed_ports=(22, 23))},
    ],
    ids=lambda added: next(iter(added)),
)
def test_it_stores_what_old_evidence_was_given_later(added: dict[str, Any]) -> None:
    old = replace(Evidence.from_json(json.loads(LITERAL)), scan=QUIET)
    new = replace(old, **added)
    assert (old.schema, new.schema) == (1, 2)
    assert Evidence.from_json(json.loads(json.dumps(new.as_json()))) == new


def test_it_is_its_own_inverse_with_everything_in_it() -> None:
    full = evidence(
        noise(),
        scan=ScanFacts(900, 900, 3, exposed=2, exposed_ports=(22, 443)),
        lists=(entry("allow", expires="2026-12-01T00:00:00+00:00"),),
        memory=(remembered("noise", about="network"),),
        held=(Held("internet-noise", "the cap is reached"),),
    )
    assert Evidence.from_json(json.loads(json.dumps(full.as_json()))) == full
