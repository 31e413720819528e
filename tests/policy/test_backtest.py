"""A backtest finds what replaying each decision alone finds, and its sums are sums."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investigations.choices import ListKind, ListState, Mode, Outcome, Remembers, Status, Strength, Verdict
from investigations.management.bench.evidence import pieces
from investigations.policy import backtest
from investigations.policy.backtest import Compared, Judge, Judgement, Past, compare, judge
from investigations.policy.decide import decide
from investigations.policy.document import Policy, default_policy, parse_policy
from investigations.policy.edit import with_mode
from investigations.policy.evidence import Evidence, Held, Listed, Remembered, ScanFacts
from investigations.policy.tally import Lookups, Tally, expected_reviews
from investigations.queries.stored_evidence import decoded
from tests.policy.makers import MALICIOUS, answer, evidence, harmless, malicious, named, noise, scanner

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DEFAULT = default_policy()
SCANNER = evidence(named(), scanner())
ATTACKER = evidence(malicious("greynoise"), malicious("virustotal"))
DISMISSED, ESCALATED, REVIEW = Status.DISMISSED, Status.ESCALATED, Status.NEEDS_REVIEW

FRAGILE = """
name = "fragile"
[signals]
malicious_quorum = 1
ceiling = { abuseipdb = "weak" }
[[rule]]
name = "proposes"
when = 'malicious >= malicious_quorum && scan_alerts > 3'
outcome = "escalated"
mode = "propose"
reason = "{malicious} against it"
[[rule]]
name = "breaks"
when = 'scan_alerts - 9223372036854775807 - scan_ports > 0 || size(bad_domains) > 0'
outcome = "needs_review"
reason = "never"
[[rule]]
name = "ours"
when = 'allow_listed || remembered_benign > 50'
outcome = "dismissed"
disposition = "noise"
quorum = ["lists"]
reason = "ours"
[[rule]]
name = "many"
when = 'scan_ports > 3 && "GreyNoise" in malicious_names'
outcome = "escalated"
reason = "many"
[[rule]]
name = "rest"
when = 'noise_seen && malicious == 0'
outcome = "dismissed"
disposition = "noise"
complete = true
reason = "noise"
"""


def policies() -> list[Policy]:
    text = DEFAULT.text
    return [
        DEFAULT,
        parse_policy(FRAGILE),
        parse_policy(text.replace("malicious >= malicious_quorum", "malicious >= 1")),
        parse_policy(with_mode(with_mode(text, "internet-noise", Mode.PROPOSE), "malicious-active", Mode.PROPOSE)),
    ]


def random_evidence(amount: int) -> Iterator[Evidence]:
    """As the benchmark makes it, then shaken: old schemas, lists, memory, brakes, errors, odd facts."""
    draw = random.Random(7)
    for one in pieces(amount, NOW, 30):
        changes: dict[str, Any] = {}
        if draw.random() < 0.1:
            changes["error"] = "the run broke"
        if draw.random() < 0.2:
            state = draw.choice(list(ListState)).value
            kind = draw.choice(list(ListKind)).value
            changes["lists"] = (Listed(kind, 3, one.source, "x", "lea", "why", state=state),)
        if draw.random() < 0.2:
            about = draw.choice(list(Remembers)).value
            changes["memory"] = (
                Remembered(about, one.source, draw.choice(["noise", "true_positive"]), "dismissed",
                           (NOW - timedelta(days=draw.randrange(200))).isoformat(), "anna", 4),
            )  # fmt: skip
        if draw.random() < 0.2:
            changes["held"] = (Held(draw.choice(["*", "internet-noise", "rest"]), "a brake"),)
        if draw.random() < 0.2:
            domain = answer("virustotal", MALICIOUS, artifact="bad.example")
            changes["answers"] = (
                *one.answers,
                domain,
                answer("dns", facts={"rdns": "bad.example", "rdns_confirmed": True}),
            )
        if draw.random() < 0.2:
            changes |= {"lists": (), "memory": (), "held": (), "schema": 1}
            changes["scan"] = replace(one.scan, exposed=None, exposed_ports=())
        yield replace(one, **changes)


@pytest.mark.parametrize("policy", policies(), ids=["default", "fragile", "one voice", "only proposes"])
def test_it_finds_what_replaying_each_one_alone_finds(policy: Policy) -> None:
    together, rules = Judge(policy), set()
    for one in random_evidence(1500):
        read = decoded(json.dumps(one.as_json()))
        assert read == (one, True)
        alone = decide(policy, Evidence.from_json(one.as_json()))
        assert together(read[0]) == (alone.outcome, alone.rule)
        rules.add(alone.rule)
    assert len(rules) > 3


counts = st.integers(0, 2**40)


@settings(max_examples=300, deadline=None)
@given(
    scans=st.lists(st.tuples(counts, counts, st.sampled_from([None, True, False])), min_size=1, max_size=5),
    answers=st.lists(
        st.builds(
            answer, st.sampled_from(["greynoise", "virustotal", "abuseipdb", "dns"]), st.sampled_from(Verdict.values),
            st.sampled_from(Strength.values), outcome=st.sampled_from(Outcome.values), fresh=st.booleans(),
            facts=st.dictionaries(
                st.sampled_from(["noise_seen", "reporters", "actor", "rdns", "rdns_confirmed", "published_range"]),
                st.none() | st.booleans() | st.integers() | st.text(max_size=5), max_size=3,
            ),
        ),
        max_size=5,
    ),
    held=st.sampled_from([(), (Held("*", "stopped"),)]),
)  # fmt: skip
def test_it_remembers_nothing_that_another_case_would_not_find(
    scans: list[tuple[int, int, bool | None]], answers: list[Any], held: tuple[Held, ...]
) -> None:
    for policy in (DEFAULT, parse_policy(FRAGILE)):
        together = Judge(policy)
        for alerts, ports, answered in scans:
            one = evidence(*answers, scan=ScanFacts(alerts=alerts, ports=ports, answered=answered), held=held)
            alone = decide(policy, one)
            assert together(one) == (alone.outcome, alone.rule)


def test_it_forgets_in_time_and_stays_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtest, "REMEMBERED", 40)
    together = Judge(DEFAULT)
    for one in random_evidence(200):
        assert together(one) == judge(DEFAULT, one)
        assert together._size <= 41


def test_it_reads_evidence_that_is_not_as_it_should_be() -> None:
    data = SCANNER.as_json()
    data["scan"]["alerts"] = "four"

    assert decoded(json.dumps(data)) == (Evidence.from_json(data), False)
    for text in ("{}", "null", "[]", '{"scan": {}}'):
        assert decoded(text) is None


def test_it_changes_nothing_with_the_policy_that_decided_whatever_was_held() -> None:
    for one in random_evidence(300):
        decided = decide(DEFAULT, one)
        found = compare(Judge(DEFAULT), Past(decided.outcome.value, decided.rule), one)
        assert not found.changed and found.before == found.after


def test_it_digs_a_grave_out_from_behind_a_brake() -> None:
    held = replace(SCANNER, held=(Held("*", "stopped"),))
    found = compare(Judge(DEFAULT), Past(REVIEW.value, "held-back", ESCALATED.value), held)
    tally = Tally()
    tally.add(found, held.decided)

    assert (found.after.outcome, found.shown) == (REVIEW, (DISMISSED, "known-scanner-confirmed"))
    assert found.grave and not found.changed
    assert (tally.graves, tally.braked_graves, tally.held) == (1, 1, 1)


@pytest.mark.parametrize(
    "one, person, grave, against",
    [
        (SCANNER, ESCALATED, True, False),
        (SCANNER, DISMISSED, False, False),
        (SCANNER, "", False, False),
        (ATTACKER, DISMISSED, False, True),
        (ATTACKER, ESCALATED, False, False),
    ],
)
def test_it_compares_with_what_people_did(one: Evidence, person: str, grave: bool, against: bool) -> None:
    found = compare(Judge(DEFAULT), Past(REVIEW.value, "x", str(person)), one)
    assert (found.grave, found.against, found.changed) == (grave, against, True)


def test_it_compares_with_the_base_where_another_version_decided() -> None:
    found = compare(Judge(DEFAULT), Past(ESCALATED.value, "an-old-rule"), SCANNER, Judge(DEFAULT))
    assert not found.changed


def compared(before: Status, after: Status, rule: str = "a", person: str = "") -> Compared:
    judgement = Judgement(after, rule)
    return Compared(Judgement(before, "a"), judgement, judgement, person)


def test_it_sums_up_and_merges() -> None:
    found = [
        (compared(DISMISSED, DISMISSED), "2026-11-03"),
        (compared(DISMISSED, DISMISSED, "b"), "2026-11-01"),
        (compared(REVIEW, DISMISSED, "b", ESCALATED), "2026-11-05"),
        (compared(REVIEW, ESCALATED, "c", DISMISSED), "2026-11-04"),
    ]
    whole, one, other = Tally(), Tally(), Tally()
    for number, (pair, day) in enumerate(found):
        whole.add(pair, day)
        (one if number % 2 else other).add(pair, day)

    assert one.merge(other) == whole == Tally().merge(whole) == whole.merge(Tally())
    assert (whole.decisions, whole.changes, whole.rule_changes, whole.graves, whole.against) == (4, 2, 1, 1, 1)
    assert (whole.first, whole.last) == ("2026-11-01", "2026-11-05")
    assert whole.matrix == {
        ("dismissed", "dismissed"): 2,
        ("needs_review", "dismissed"): 1,
        ("needs_review", "escalated"): 1,
    }
    assert [(share.rule, share.before, share.after) for share in whole.rules()] == [
        ("a", 4, 1),
        ("b", 0, 2),
        ("c", 0, 1),
    ]
    assert Tally.from_json(json.loads(json.dumps({**whole.as_json(), "attempts": 2}))) == whole


def test_it_counts_each_lookup_once_and_on_its_day() -> None:
    tally, lookups = Tally(), Lookups("2026-11-20T00:00:00.000+00:00")

    def asked(day: int, provider: str = "virustotal", **changes: Any) -> Any:
        return replace(harmless(provider), asked=f"2026-11-{day}T08:00:00.000+00:00", **changes)

    lookups.count(evidence(asked(21), asked(21, "greynoise"), asked(19), asked(22, outcome="skipped")), tally)
    lookups.count(evidence(asked(21), asked(22), asked(22, artifact="bad.example")), tally)

    assert tally.lookups_by_day() == {
        "greynoise": {"2026-11-21": 1},
        "virustotal": {"2026-11-21": 1, "2026-11-22": 2},
    }


def test_it_forgets_old_days_rather_than_filling_the_memory() -> None:
    tally, lookups = Tally(), Lookups("", most=10)
    for day in range(10, 30):
        for number in range(6):
            one = replace(noise(), asked=f"2026-11-{day}T08:00:0{number}")
            lookups.count(evidence(one, one), tally)
        assert lookups._size <= 10
    again = replace(noise(), asked="2026-11-10T08:00:00")
    lookups.count(evidence(again), tally)

    assert tally.lookups_by_day()["greynoise"] == {f"2026-11-{day}": 6 for day in range(10, 30)}


def test_it_expects_blind_reviews_up_to_the_cap() -> None:
    tally = Tally()
    for _ in range(100):
        tally.add(compared(DISMISSED, DISMISSED, "new"), "2026-11-01")
        tally.add(compared(DISMISSED, DISMISSED, "old"), "2026-11-01")
        tally.add(compared(DISMISSED, ESCALATED, "other"), "2026-11-01")

    assert expected_reviews(tally, {"new": 0.1, "old": 0.02, "other": 1.0}, 10, 50) == pytest.approx(1.2)
    assert expected_reviews(tally, {"new": 1.0, "old": 1.0}, 2, 50) == 50.0
