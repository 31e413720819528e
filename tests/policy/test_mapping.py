"""How answers become signals: what `[signals]` may say, and what each key of it changes."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investigations.choices import Strength
from investigations.policy.decide import decide
from investigations.policy.document import default_policy, parse_policy
from investigations.policy.evidence import Answer
from investigations.policy.facts import facts_of
from investigations.policy.mapping import DEFAULT, KEYS, SignalMapping, mapping_problems, parse_mapping
from tests.policy.makers import QUIET, evidence, malicious, noise, not_found, suspicious

KNOWN = ["greynoise", "abuseipdb", "virustotal", "spamhaus"]


def fact(name: str, *answers: Answer, **mapping: Any) -> Any:
    """One fact under the default mapping with these keys changed."""
    return facts_of(evidence(*answers), replace(DEFAULT, **mapping))[name]


def messages(table: Any, providers: list[str] | None = KNOWN) -> list[str]:
    return [message for _, message in mapping_problems(table, providers)]


def test_it_has_the_defaults_where_a_document_says_nothing() -> None:
    assert parse_mapping({}) == DEFAULT == SignalMapping() == default_policy().signals
    assert mapping_problems({}, KNOWN) == []


def test_it_reads_every_key() -> None:
    table = tomllib.loads(
        """
        malicious_quorum = 3
        heavy_noise_seen_by = 2
        heavy_noise_reporters = 5
        heavy_noise_sensors = 7
        volume_sources = ["abuseipdb"]
        noise_sources = ["greynoise", "dshield"]
        leading_noise_sources = ["greynoise"]
        owners = { spamhaus = "abuse.ch" }
        ceiling = { virustotal = "weak" }
        """
    )
    assert mapping_problems(table, KNOWN) == []
    mapping = parse_mapping(table)
    assert set(table) == set(KEYS)
    assert (mapping.malicious_quorum, mapping.heavy_noise_seen_by) == (3, 2)
    assert (mapping.heavy_noise_reporters, mapping.heavy_noise_sensors) == (5, 7)
    assert mapping.volume_sources == {"abuseipdb"}
    assert mapping.noise_sources == {"greynoise", "dshield"} and mapping.leading_noise_sources == {"greynoise"}
    assert (mapping.owners, mapping.ceiling) == ({"spamhaus": "abuse.ch"}, {"virustotal": "weak"})


def test_it_lets_only_noise_sources_lead() -> None:
    assert messages({"leading_noise_sources": ["virustotal"]}) == [
        "signals: 'virustotal' in leading_noise_sources is no noise source"
    ]
    assert parse_mapping({"noise_sources": ["abuseipdb"]}).leading_noise_sources == {"abuseipdb"}
    assert parse_mapping({"noise_sources": ["dshield"]}).leading_noise_sources == frozenset()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (3, "signals must be a table"),
        ({"quorum": 2}, "unknown key 'quorum' in signals"),
        ({"malicious_quorum": 0}, "signals: malicious_quorum must be a whole number from 1 to 1,000,000"),
        ({"malicious_quorum": 1_000_001}, "signals: malicious_quorum must be a whole number from 1 to 1,000,000"),
        ({"malicious_quorum": True}, "signals: malicious_quorum must be a whole number from 1 to 1,000,000"),
        ({"heavy_noise_sensors": 2.0}, "signals: heavy_noise_sensors must be a whole number from 1 to 1,000,000"),
        ({"volume_sources": "otx"}, "signals: volume_sources must be a list of provider names"),
        ({"noise_sources": ["otx", 1]}, "signals: noise_sources must be a list of provider names"),
        ({"volume_sources": ["nobody"]}, "signals: unknown provider 'nobody' in volume_sources"),
        ({"owners": ["otx"]}, "signals: owners must be a table of texts"),
        ({"owners": {"otx": ""}}, "signals: owners must be a table of texts"),
        ({"owners": {"nobody": "somebody"}}, "signals: unknown provider 'nobody' in owners"),
        ({"ceiling": {"virustotal": "loud"}}, "signals: the ceiling of virustotal must be one of context, weak"),
        ({"ceiling": {"nobody": "weak"}}, "signals: unknown provider 'nobody' in ceiling"),
    ],
)
def test_it_refuses_what_it_cannot_use_with_the_reason(table: Any, message: str) -> None:
    (found,) = messages(table)
    assert found.startswith(message)


def test_it_tells_the_key_of_every_problem_at_once() -> None:
    table = {"malicious_quorum": 0, "volume_sources": 1, "ceiling": 2}
    assert [key for key, _ in mapping_problems(table, KNOWN)] == ["malicious_quorum", "volume_sources", "ceiling"]


def test_it_accepts_any_provider_where_nobody_says_which_there_are() -> None:
    assert messages({"volume_sources": ["nobody"], "owners": {"nobody": "somebody"}}, None) == []


TOML = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from([*KNOWN, *Strength.values]),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.sampled_from(KNOWN), values, max_size=2),
    max_leaves=4,
)


@settings(max_examples=500, deadline=None)
@given(st.dictionaries(st.sampled_from([*KEYS, "other"]), TOML, max_size=4) | TOML)
def test_it_either_tells_a_problem_or_gives_a_mapping_that_works(table: Any) -> None:
    if mapping_problems(table, KNOWN):
        return
    mapping = parse_mapping(table)
    assert mapping.leading_noise_sources <= mapping.noise_sources
    assert isinstance(facts_of(evidence(noise(), malicious("abuseipdb")), mapping)["malicious"], int)


def test_it_counts_providers_of_one_owner_as_one_voice() -> None:
    both = (malicious("virustotal"), malicious("spamhaus"))
    assert fact("malicious", *both) == 2
    assert fact("malicious", *both, owners={"virustotal": "one", "spamhaus": "one"}) == 1
    assert fact("malicious", *both, owners={"virustotal": "spamhaus"}) == 1


def test_it_does_not_count_volume_sources_as_judgement() -> None:
    both = (malicious("virustotal"), malicious("abuseipdb"))
    assert fact("judged_malicious", *both) == 1
    assert fact("judged_malicious", *both, volume_sources=frozenset()) == 2
    assert fact("judged_malicious", *both, volume_sources=frozenset({"virustotal", "abuseipdb"})) == 0


def test_it_takes_the_word_of_noise_sources_only() -> None:
    assert fact("noise_seen", noise()) is True
    assert fact("noise_seen", noise(), noise_sources=frozenset({"abuseipdb"})) is False
    unseen = not_found("greynoise")
    assert fact("never_seen", unseen) is True
    assert fact("never_seen", unseen, leading_noise_sources=frozenset({"abuseipdb"})) is False


@pytest.mark.parametrize(
    ("facts", "key", "value"),
    [
        ({"reporters": 19}, "heavy_noise_reporters", 19),
        ({"sensors": 99}, "heavy_noise_sensors", 99),
        ({}, "heavy_noise_seen_by", 1),
    ],
)
def test_it_calls_noise_heavy_from_the_number_on(facts: dict[str, int], key: str, value: int) -> None:
    assert fact("heavy_noise", noise(**facts)) is False
    assert fact("heavy_noise", noise(**facts), **{key: value}) is True
    assert fact("heavy_noise", noise(**facts), **{key: value + 1}) is False


@pytest.mark.parametrize("most", Strength.values)
@pytest.mark.parametrize("own", Strength.values)
def test_it_lowers_an_answer_to_its_ceiling_and_never_raises_one(own: str, most: str) -> None:
    order = Strength.values
    mapping = SignalMapping(ceiling={"virustotal": most})
    expected = most if order.index(most) < order.index(own) else None
    assert mapping.lowers("virustotal", own) == expected
    assert mapping.lowers("abuseipdb", own) is None


def test_it_takes_a_voice_from_a_provider_whose_ceiling_is_weak_but_not_its_suspicion() -> None:
    decisive = malicious("virustotal", Strength.DECISIVE)
    weak = {"ceiling": {"virustotal": "weak"}}
    assert (fact("malicious", decisive), fact("decisive", decisive)) == (1, 1)
    assert [fact(name, decisive, **weak) for name in ("malicious", "decisive", "suspicious")] == [0, 0, 1]
    assert fact("decisive", decisive, ceiling={"virustotal": "strong"}) == 0
    assert fact("suspicious", suspicious("spamhaus"), ceiling={"spamhaus": "context"}) == 1


def test_it_moves_the_quorum_of_the_rules_and_of_the_verdict_together() -> None:
    text = default_policy().text
    three = parse_policy(text.replace('name = "default"\n', 'name = "ours"\n[signals]\nmalicious_quorum = 3\n', 1))
    case = evidence(malicious("virustotal"), malicious("spamhaus"), scan=QUIET)
    assert (decide(default_policy(), case).outcome, decide(default_policy(), case).verdict) == (
        "escalated",
        "malicious",
    )
    decision = decide(three, case)
    assert decision.outcome == "needs_review" and decision.verdict == "suspicious"
    assert fact("malicious_quorum", malicious_quorum=3) == 3


def test_it_is_part_of_the_text_and_so_of_the_version() -> None:
    text = default_policy().text
    other = text.replace('name = "default"\n', 'name = "default"\n[signals]\nheavy_noise_sensors = 99\n', 1)
    assert parse_policy(other).digest != default_policy().digest
    assert parse_policy(other).signals.heavy_noise_sensors == 99
