"""What differs between two policies: rules by name, field by field, their order, the signals, the text."""

from __future__ import annotations

from itertools import combinations, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investigations.policy.diff import FIELDS, Change, Comparison, FieldChange, Line, RuleChange, compare, text_lines
from investigations.policy.document import Policy, default_policy, parse_policy

KEYS = {
    "bad": 'when = \'malicious > 1\'\noutcome = "escalated"\nreason = "bad"',
    "noise": (
        'when = \'noise_seen\'\noutcome = "dismissed"\ndisposition = "noise"\nquorum = ["greynoise"]\nreason = "x"'
    ),
    "rest": 'when = \'true\'\noutcome = "needs_review"\nreason = "rest"',
}


def policy_of(*names: str, signals: str = "", **changed: str) -> Policy:
    rules = [f'[[rule]]\nname = "{name}"\n{changed.get(name, KEYS[name])}\n' for name in names]
    return parse_policy("\n".join(['name = "ours"', signals, *rules]))


def difference(old: Policy, new: Policy) -> list[tuple[str, Change, int | None, int | None]]:
    return [(one.rule, one.change, one.before, one.after) for one in compare(old, new).rules]


ALL = policy_of("bad", "noise", "rest")


def test_it_finds_nothing_between_a_policy_and_itself() -> None:
    assert compare(default_policy(), default_policy()) == Comparison((), (), ())
    assert not compare(default_policy(), default_policy())


def test_it_is_a_difference_if_only_a_comment_differs() -> None:
    found = compare(ALL, parse_policy(ALL.text + "# why\n"))
    assert found and (found.rules, found.signals) == ((), ())
    assert found.lines[-1] == Line("+", "# why")


def test_it_finds_rules_that_are_new_and_that_are_gone() -> None:
    two = policy_of("bad", "rest")
    assert difference(two, ALL) == [("noise", Change.ADDED, None, 2)]
    assert difference(ALL, two) == [("noise", Change.REMOVED, 2, None)]
    (added,) = compare(two, ALL).rules
    assert FieldChange("quorum", "", "greynoise") in added.fields
    assert FieldChange("when", "", "noise_seen") in added.fields
    (removed,) = compare(ALL, two).rules
    assert {one.name for one in removed.fields} == {one.name for one in added.fields}


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ("'noise_seen'", "'noise_seen && malicious == 0'", ("when", "noise_seen", "noise_seen && malicious == 0")),
        ('"noise"', '"known_scanner"', ("disposition", "noise", "known_scanner")),
        ('["greynoise"]', '["greynoise", "dns"]', ("quorum", "greynoise", "greynoise, dns")),
        ('["greynoise"]', '["greynoise"]\ncomplete = true', ("complete", "", "yes")),
        ('["greynoise"]', '["greynoise"]\nmode = "propose"', ("mode", "act", "propose")),
        ('["greynoise"]', '["greynoise"]\nseverity = "low"', ("severity", "from_alerts", "low")),
        ('"x"', '"why"', ("reason", "x", "why")),
    ],
)
def test_it_says_field_by_field_what_has_changed(old: str, new: str, change: tuple[str, str, str]) -> None:
    other = policy_of("bad", "noise", "rest", noise=KEYS["noise"].replace(old, new))
    assert compare(ALL, other).rules == (RuleChange("noise", Change.CHANGED, 2, 2, (FieldChange(*change),)),)


def test_it_compares_every_field_that_decides() -> None:
    rule = ALL.rules[1]
    assert set(FIELDS) | {"name", "line", "last", "program", "variables", "known"} == set(rule.__slots__)


def test_it_shows_the_old_and_the_new_place_of_a_rule_that_changed_and_moved() -> None:
    other = policy_of("noise", "bad", "rest", noise=KEYS["noise"].replace('"x"', '"why"'))
    found = difference(ALL, other)
    assert ("noise", Change.CHANGED, 2, 1) in found


@pytest.mark.parametrize(
    ("order", "moved"),
    [
        (("noise", "bad", "rest"), 1),
        (("rest", "bad", "noise"), 1),
        (("rest", "noise", "bad"), 2),
    ],
)
def test_it_calls_as_few_rules_moved_as_can_be(order: tuple[str, ...], moved: int) -> None:
    found = difference(ALL, policy_of(*order))
    assert [change for _, change, _, _ in found] == [Change.MOVED] * moved


@pytest.mark.parametrize("order", list(permutations(range(5))))
def test_it_finds_the_least_number_of_moves_in_any_order(order: tuple[int, ...]) -> None:
    names = [f"r-{number}" for number in range(5)]
    rules = [f'[[rule]]\nname = "{name}"\n{KEYS["rest"]}\n' for name in names]
    old = parse_policy('name = "x"\n' + "".join(rules))
    new = parse_policy('name = "x"\n' + "".join(rules[place] for place in order))
    kept = max(len(some) for size in range(6) for some in combinations(order, size) if list(some) == sorted(some))
    found = compare(old, new).rules
    assert len(found) == 5 - kept and {one.change for one in found} <= {Change.MOVED}
    still = [names[place] for place in order if names[place] not in {one.rule for one in found}]
    assert still == sorted(still)


def test_it_calls_no_rule_moved_because_another_came_or_went() -> None:
    assert difference(policy_of("noise", "rest"), policy_of("bad", "noise", "rest")) == [("bad", Change.ADDED, None, 1)]


def test_it_orders_rules_by_where_they_stand_now() -> None:
    places = [one.after or one.before for one in compare(policy_of("rest", "bad"), policy_of("noise", "rest")).rules]
    assert places == sorted(places, key=lambda place: place or 0)


@pytest.mark.parametrize(
    ("signals", "change"),
    [
        ("malicious_quorum = 3", ("malicious_quorum", "2", "3")),
        ('ceiling = { abuseipdb = "weak" }', ("ceiling", "", "abuseipdb: weak")),
        ('volume_sources = ["otx"]', ("volume_sources", "abuseipdb, dshield, otx", "otx")),
    ],
)
def test_it_says_which_signals_have_changed(signals: str, change: tuple[str, str, str]) -> None:
    other = policy_of("bad", "noise", "rest", signals=f"[signals]\n{signals}")
    found = compare(ALL, other)
    assert (found.rules, found.signals) == ((), (FieldChange(*change),))
    assert compare(other, ALL).signals == (FieldChange(change[0], change[2], change[1]),)


def test_it_does_not_call_signals_changed_that_say_the_default() -> None:
    other = policy_of("bad", "noise", "rest", signals="[signals]\nmalicious_quorum = 2")
    found = compare(ALL, other)
    assert (found.rules, found.signals) == ((), ()) and found.lines


def test_it_marks_each_line_of_the_text() -> None:
    old, new = "a\nb\nc\n", "a\nB\nc\n"
    assert list(text_lines(old, new)) == [
        Line("@", "@@ -1,3 +1,3 @@"), Line(" ", "a"), Line("-", "b"), Line("+", "B"), Line(" ", "c"),
    ]  # fmt: skip


def test_it_takes_no_line_of_the_text_for_a_file_name() -> None:
    assert list(text_lines("-- x\n", "++ x\n"))[1:] == [Line("-", "-- x"), Line("+", "++ x")]


lines = st.lists(st.sampled_from(["a", "-- b", "++ c", "@@ d", ""]), max_size=8).map("\n".join)


@settings(max_examples=200, deadline=None)
@given(lines, lines)
def test_it_tells_both_texts_with_its_lines(old: str, new: str) -> None:
    found = list(text_lines(old, new, context=100))
    if old.splitlines() != new.splitlines():
        assert [line.text for line in found if line.sign in " -"] == old.splitlines()
        assert [line.text for line in found if line.sign in " +"] == new.splitlines()
    else:
        assert found == []
