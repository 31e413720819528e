"""Reading a policy: what is accepted, and what is refused with its place and reason."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from investigations.policy.conditions import ConditionError, compile_condition
from investigations.policy.document import Policy, PolicyError, default_policy, parse_policy, validate
from investigations.policy.facts import FACTS
from investigations.policy.templates import fill

GOOD = """name = "ours"

[[rule]]
name = "bad"
when = 'malicious >= 2'
outcome = "escalated"
severity = "high"
reason = "It is malicious by {malicious_names}"

[[rule]]
name = "scanner"
when = 'known_scanner'
outcome = "dismissed"
disposition = "known_scanner"
quorum = ["greynoise"]
complete = true
reason = "It is {scanner_name}"
"""


def problems(old: str, new: str) -> list[str]:
    assert old in GOOD
    return [str(problem) for problem in validate(GOOD.replace(old, new))]


def test_it_reads_rules_in_order() -> None:
    policy = parse_policy(GOOD)
    assert [rule.name for rule in policy.rules] == ["bad", "scanner"]
    assert policy.rules[1].quorum == ("greynoise",) and policy.rules[1].complete
    assert policy.name == "ours" and validate(GOOD) == []


def test_it_names_a_version_by_its_text() -> None:
    assert parse_policy(GOOD).digest == parse_policy(GOOD).digest
    assert parse_policy(GOOD + "# a comment\n").digest != parse_policy(GOOD).digest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("malicious >= 2", "evil >= 2", "line 5, column 9, rule bad: unknown fact 'evil' in the condition"),
        ("malicious >= 2", 'matches("a+")', "rule bad: function 'matches' is not allowed in a condition"),
        ("malicious >= 2", "malicious >=", "rule bad: the condition is not CEL: "),
        ("malicious >= 2", "malicious", "rule bad: the condition must be true or false"),
        ("malicious >= 2", 'malicious > "2"', "rule bad: the condition cannot be evaluated: "),
        ("malicious >= 2", "failed_names.exists(silent, true)", "rule bad: the condition uses exists()"),
        ("{malicious_names}", "{evil}", "rule bad: unknown fact 'evil' in the reason"),
        ("{malicious_names}", "{malicious.__class__}", "rule bad: unknown fact 'malicious.__class__' in the reason"),
        ("{malicious_names}", "{malicious", "rule bad: unknown fact '{' in the reason"),
        ('"escalated"', '"enriching"', "rule bad: outcome must be one of escalated, dismissed, needs_review"),
        ('"high"', '"huge"', "rule bad: severity must be one of "),
        ('"high"', "3", "rule bad: severity must be text"),
        ('"known_scanner"', '"boredom"', "rule scanner: disposition must be one of "),
        ('quorum = ["greynoise"]\ncomplete = true', "", "rule scanner: a dismissing rule needs a quorum or complete"),
        ('disposition = "known_scanner"\n', "", "rule scanner: a dismissing rule needs a disposition"),
        ('quorum = ["greynoise"]', 'quorum = "greynoise"', "rule scanner: quorum must be a list of provider names"),
        ("complete = true", "complete = 1", "rule scanner: complete must be true or false"),
        ("complete = true", "complete = true\nexpires = 1", "rule scanner: unknown key 'expires'"),
        ('severity = "high"', "complete = true", "rule bad: quorum and complete belong to dismissing rules"),
        ('name = "scanner"', 'name = "bad"', "rule bad: a rule of this name exists already"),
        ('name = "scanner"', 'name = "The Scanner"', "the name must be lower-case words joined by dashes"),
        ('name = "ours"', 'nam = "ours"', "the policy needs a name"),
        ("when = 'malicious >= 2'", "when = malicious", "line 5, column 8: not TOML: "),
        ("when = 'malicious >= 2'\n", "", "rule bad: when is missing"),
    ],
)
def test_it_refuses_what_cannot_work_with_its_place(old: str, new: str, message: str) -> None:
    found = problems(old, new)
    assert any(message in problem for problem in found), found


def test_it_reports_all_problems_at_once() -> None:
    assert len(validate(GOOD.replace("malicious >= 2", "evil").replace("known_scanner'", "worse'"))) == 2


def test_it_refuses_a_quorum_of_providers_that_do_not_exist() -> None:
    assert validate(GOOD, ["virustotal"])[0].message == "unknown provider 'greynoise' in the quorum"
    assert validate(GOOD, ["greynoise"]) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name = 'x'",
        "rule = 3\nname = 'x'",
        "a = " + "[" * 50_000,
        "x" * 70_000,
        "\x00",
        "name = 'x'\n[[rule]]\n" * 2,
    ],
)
def test_it_refuses_any_other_text_with_a_policy_error(text: str) -> None:
    with pytest.raises(PolicyError):
        parse_policy(text)


@pytest.mark.parametrize("condition", ["(" * 400 + "true" + ")" * 400, "!" * 2000 + "known_scanner", "1 / 0 == 1"])
def test_it_refuses_conditions_that_could_hurt_the_evaluator(condition: str) -> None:
    with pytest.raises(ConditionError):
        compile_condition(condition)


def test_it_ships_a_policy_that_passes_its_own_checks() -> None:
    providers = ["warninglists", "greynoise", "dns"]
    assert validate(default_policy().text, providers) == []
    assert isinstance(default_policy(), Policy)


def test_it_writes_facts_into_a_reason_as_plain_words() -> None:
    facts = {
        **FACTS,
        "malicious": 1234,
        "malicious_names": ["A", "B", "C"],
        "tor": "‮evil.example\x1b",
        "submitted": True,
    }
    text = fill("{malicious} by {malicious_names}; {tor}; {submitted}", facts)
    assert text == "1,234 by A, B and C; evil[.]example; yes"


def test_it_does_not_read_braces_in_a_value_as_a_fact() -> None:
    assert fill("{scanner_name}", {**FACTS, "scanner_name": "{malicious}"}) == "{malicious}"


def test_it_documents_every_fact_and_every_rule() -> None:
    text = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
    assert [name for name in FACTS if f"| `{name}` |" not in text] == []
    assert [rule.name for rule in default_policy().rules if f"`{rule.name}`" not in text] == []


def test_it_knows_the_lines_of_every_rule() -> None:
    lines = default_policy().text.split("\n")
    for rule in default_policy().rules:
        part = lines[rule.line - 1 : rule.last]
        assert part[0] == "[[rule]]" and part[1] == f'name = "{rule.name}"'
        assert tomllib.loads("\n".join(part))["rule"][0]["when"] == rule.when


def test_it_refuses_a_line_of_dots_before_it_is_read() -> None:
    (problem,) = validate("name = 'x'\na" + ".a" * 30_000 + " = 1\n")
    assert (problem.message, problem.line) == ("more than 200 dots in one line", 2)
