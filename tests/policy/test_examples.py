"""Unit examples of a policy: evidence in a few words, decided by the real decision, refused where it cannot be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investigations.choices import Mode
from investigations.policy.decide import decide
from investigations.policy.document import Policy, default_policy, parse_policy, validate
from investigations.policy.edit import with_mode
from investigations.policy.example_tables import KEYS, MAX_EXAMPLES, example_problems
from investigations.policy.examples import SOURCE, ExampleResult, evidence_of, run_examples
from investigations.policy.facts import facts_of

RULES = """name = "ours"

[[rule]]
name = "bad"
when = 'malicious >= malicious_quorum'
outcome = "escalated"
reason = "bad"

[[rule]]
name = "noise"
when = 'noise_seen && malicious == 0'
outcome = "dismissed"
disposition = "noise"
quorum = ["greynoise"]
complete = true
reason = "noise"

"""
NOISE = 'answers = [{ provider = "greynoise", facts = { noise_seen = true } }]'


def policy_with(*lines: str) -> Policy:
    return parse_policy(RULES + "\n".join(["[[example]]", 'name = "one"', *lines]) + "\n")


def run(*lines: str) -> ExampleResult:
    (result,) = run_examples(policy_with(*lines))
    return result


def problem(*lines: str) -> str:
    return run('outcome = "dismissed"', *lines).problem


def test_it_passes_every_example_of_the_policy_that_ships() -> None:
    results = run_examples(default_policy())
    assert [result for result in results if not result.passed] == []
    shown = {result.rule for result in results if result.outcome == "dismissed"}
    assert shown == {rule.name for rule in default_policy().rules if rule.dismisses}


def test_it_says_what_came_out() -> None:
    assert run('outcome = "dismissed"', 'rule = "noise"', NOISE) == ExampleResult(
        "one", "dismissed", "dismissed", "noise"
    )
    assert run('outcome = "dismissed"', NOISE).passed


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (('outcome = "escalated"', NOISE), "it comes out as dismissed by rule noise"),
        (('outcome = "dismissed"', 'rule = "bad"', NOISE), "rule noise decides it, not bad"),
        (('outcome = "dismissed"',), "it comes out as needs review by rule insufficient-data"),
        (
            ('outcome = "dismissed"', NOISE.replace("}]", '}, { provider = "virustotal", outcome = "throttled" }]')),
            "it comes out as needs review by rule insufficient-data; Would have been dismissed by rule noise, but these"
            " did not answer: virustotal (throttled)",
        ),
    ],
)
def test_it_says_what_came_out_instead(lines: tuple[str, ...], message: str) -> None:
    result = run(*lines)
    assert (result.passed, result.problem) == (False, message)


def test_it_tries_a_rule_that_only_proposes_as_if_it_acted() -> None:
    text = policy_with('outcome = "dismissed"', 'rule = "noise"', NOISE).text
    (result,) = run_examples(parse_policy(with_mode(text, "noise", Mode.PROPOSE)))
    assert result.passed


def test_it_decides_as_the_engine_would() -> None:
    for example in default_policy().examples:
        decision = decide(default_policy(), evidence_of(example))
        assert decision.outcome == example["outcome"]
        assert decision.rule == example.get("rule", decision.rule)


def test_it_takes_what_is_left_out_as_harmless_and_known() -> None:
    evidence = evidence_of({})
    assert (evidence.source, evidence.kind, evidence.scope) == (SOURCE, "ipv4-addr", "public")
    assert (evidence.scan.alerts, evidence.scan.ports, evidence.scan.targets) == (1, 1, 1)
    assert evidence.answers == evidence.lists == evidence.memory == evidence.held == ()


@pytest.mark.parametrize(
    ("example", "fact", "value"),
    [
        ({"scan": {"exposed": 2, "exposed_ports": [22, 443]}}, "exposed_port_list", ["22", "443"]),
        ({"scan": {"answered": True}}, "scan_answered", "yes"),
        ({"answers": [{"provider": "virustotal", "verdict": "malicious", "strength": "strong"}]}, "malicious", 1),
        ({"answers": [{"provider": "dns", "outcome": "timeout"}]}, "failed_names", ["dns"]),
        ({"answers": [{"provider": "rdap", "outcome": "timeout"}]}, "failed", 0),
        ({"lists": [{"kind": "deny"}]}, "deny_listed", True),
        ({"lists": [{"kind": "authorised_scanner", "state": "expired"}]}, "authorised_scan", "expired"),
        ({"memory": [{"disposition": "noise"}]}, "remembered_benign", 100),
        ({"memory": [{"disposition": "true_positive", "about": "network"}]}, "remembered_malicious", 50),
        (
            {
                "decided": "2026-02-15T00:00:00+00:00",
                "memory": [{"disposition": "noise", "decided": "2026-01-01T00:00:00Z"}],
            },
            "remembered_benign",
            50,
        ),
        ({"scope": "internal"}, "scope", "internal"),
        ({"submitted": True}, "submitted", True),
        ({"source": "evil.example"}, "is_address", False),
        (
            {
                "source": "evil.example",
                "answers": [{"provider": "virustotal", "verdict": "malicious", "strength": "strong"}],
            },
            "bad_domains",
            ["evil.example"],
        ),
    ],
)
def test_it_reads_every_part_of_evidence(example: dict[str, Any], fact: str, value: object) -> None:
    assert facts_of(evidence_of(example))[fact] == value


def test_it_knows_the_kind_of_a_source_and_of_an_artifact() -> None:
    assert evidence_of({"source": "2001:db8::bad"}).kind == "ipv6-addr"
    assert evidence_of({"source": "own.example"}).kind == "domain-name"
    answers = evidence_of({"answers": [{"provider": "otx", "artifact": "own.example"}, {"provider": "otx"}]}).answers
    assert [(one.kind, one.artifact) for one in answers] == [("domain-name", "own.example"), ("ipv4-addr", SOURCE)]


def test_it_tries_brakes_and_broken_runs_too() -> None:
    held = 'held = [{ rule = "noise", reason = "the cap is reached" }]'
    assert run('outcome = "needs_review"', 'rule = "held-back"', NOISE, held).passed
    assert run('outcome = "needs_review"', 'rule = "run-failed"', NOISE, 'error = "the deadline passed"').passed


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("scan = { alert = 3 }", "unknown key 'alert' in scan"),
        ('scan = { alerts = "three" }', "alerts in scan has the wrong type"),
        ("scan = { alerts = true }", "alerts in scan has the wrong type"),
        ('scan = { top_ports = ["ssh"] }', "top_ports in scan has the wrong type"),
        ('scan = { severity = "huge" }', "'huge' is not a valid Severity"),
        ("answers = [3]", "answers must hold tables"),
        ("answers = [{}]", "an answer needs a provider, as text"),
        ("answers = [{ provider = 3 }]", "an answer needs a provider, as text"),
        ('answers = [{ provider = "x", verdict = "evil" }]', "'evil' is not a valid Verdict"),
        ('answers = [{ provider = "x", facts = 3 }]', "facts in answers has the wrong type"),
        ('answers = [{ provider = "x", said = "" }]', "unknown key 'said' in answers"),
        ("lists = [{}]", "kind is missing in lists"),
        ('lists = [{ kind = "grey" }]', "'grey' is not a valid ListKind"),
        ('lists = [{ kind = "deny", state = "off" }]', "'off' is not a valid ListState"),
        ("memory = [{}]", "disposition is missing in memory"),
        ('memory = [{ disposition = "bored" }]', "'bored' is not a valid Disposition"),
        ('memory = [{ disposition = "noise", decided = "yesterday" }]', "Invalid isoformat string: 'yesterday'"),
        ('memory = [{ disposition = "noise", decided = "2026-01-01" }]', "decided must say its time zone"),
        ('decided = "2026-01-01"', "decided must say its time zone"),
        ('scope = "outer space"', "'outer space' is not a valid Scope"),
        ('kind = "phone"', "'phone' is not a valid ArtifactKind"),
        ("held = [{ rules = 3 }]", "unknown key 'rules' in held"),
    ],
)
def test_it_says_why_the_evidence_of_an_example_cannot_be_read(line: str, message: str) -> None:
    found = problem(line)
    assert found.startswith("the evidence cannot be read: ") and message in found


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (('outcome = "enriching"',), "outcome must be one of escalated, dismissed, needs_review"),
        ((), "an example needs an outcome"),
        (('outcome = "dismissed"', "answers = 3"), "answers must be a list"),
        (('outcome = "dismissed"', "scan = 3"), "scan must be a table"),
        (('outcome = "dismissed"', "submitted = 3"), "submitted must be true or false"),
        (('outcome = "dismissed"', "source = 3"), "source must be text"),
        (('outcome = "dismissed"', "because = 3"), "unknown key 'because' in an example"),
    ],
)
def test_it_refuses_an_example_that_is_none_at_its_line(lines: tuple[str, ...], message: str) -> None:
    text = RULES + "\n".join(["[[example]]", 'name = "one"', *lines]) + "\n"
    found = [one for one in validate(text) if one.message == message]
    assert [one.line for one in found] == [text.split("\n").index("[[example]]") + 1]


def test_it_refuses_examples_without_a_name_or_too_many() -> None:
    assert list(example_problems(3)) == [(0, "examples are written as [[example]] tables")]
    assert (0, "an example needs a name") in example_problems([{"outcome": "dismissed"}])
    many = [{"name": "a", "outcome": "dismissed"}] * (MAX_EXAMPLES + 1)
    assert list(example_problems(many)) == [(MAX_EXAMPLES, f"more than {MAX_EXAMPLES} examples")]


def test_it_checks_every_key_that_it_reads() -> None:
    assert list(example_problems([{**dict.fromkeys(KEYS, object()), "name": "a", "outcome": "dismissed"}])) != []


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(KEYS)) | st.text(max_size=3), inner)
    ),
    max_leaves=4,
)
PARTS = {
    "scan": ["alerts", "severity", "answered", "top_ports", "exposed"],
    "answers": ["provider", "artifact", "verdict", "facts", "asked", "kind", "outcome"],
    "lists": ["kind", "state", "label", "expires"],
    "memory": ["disposition", "about", "decided", "by"],
    "held": ["rule", "reason"],
}


@st.composite
def examples(draw: st.DrawFn) -> dict[str, Any]:
    """Tables that pass the check of the document, with anything in them."""
    found: dict[str, Any] = {"name": "any", "outcome": "dismissed"}
    for part, keys in PARTS.items():
        table = st.dictionaries(st.sampled_from(keys), junk, max_size=3)
        found[part] = draw(table if part == "scan" else st.lists(table | junk, max_size=2))
    return found


@settings(max_examples=300, deadline=None)
@given(examples())
def test_it_always_gives_a_result_whatever_stands_in_an_example(example: dict[str, Any]) -> None:
    if not list(example_problems([example])):
        policy = Policy("any", default_policy().rules, "", examples=(example,))
        (result,) = run_examples(policy)
        assert result.outcome or result.problem.startswith("the evidence cannot be read: ")
