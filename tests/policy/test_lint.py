"""What the linter finds: rules that never decide, dismissals on too little, facts that nobody supplies."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investigations.choices import Strength
from investigations.policy.decide import decide
from investigations.policy.document import Policy, default_policy, parse_policy
from investigations.policy.evidence import Answer
from investigations.policy.facts import CONTEXT_PROVIDERS, FACTS, SUPPLIED_BY
from investigations.policy.lint import Finding, Level, lint
from investigations.policy.reach import MATCHES, OTHERS, TRIES, Reach, reaches
from investigations.providers import PROVIDERS
from tests.policy.makers import evidence, malicious, noise, suspicious

EVERYBODY = frozenset(PROVIDERS)


def escalating(name: str, when: str, **more: str) -> str:
    extra = "".join(f"{key} = {value}\n" for key, value in more.items())
    return f"[[rule]]\nname = \"{name}\"\nwhen = '''{when}'''\noutcome = \"escalated\"\nreason = \"x\"\n{extra}\n"


def dismissing(name: str, when: str, guard: str) -> str:
    return (
        f"[[rule]]\nname = \"{name}\"\nwhen = '''{when}'''\noutcome = \"dismissed\"\ndisposition = \"noise\"\n"
        f'reason = "x"\n{guard}\n\n'
    )


def policy_of(*rules: str, signals: str = "") -> Policy:
    return parse_policy('name = "x"\n' + signals + "\n" + "".join(rules))


def found(*rules: str, enabled: frozenset[str] = EVERYBODY, signals: str = "") -> list[tuple[Level, str, str]]:
    """Without the notes that no example shows when a rule dismisses."""
    findings = lint(policy_of(*rules, signals=signals), enabled)
    return [(one.level, one.rule, one.message) for one in findings if "no example" not in one.message]


def reached(*rules: str, signals: str = "") -> Reach:
    """What is known about the last of these rules."""
    return [search.reach for _, search in reaches(policy_of(*rules, signals=signals))][-1]


def test_it_has_nothing_to_say_about_the_policy_that_ships() -> None:
    assert lint(default_policy(), EVERYBODY) == []


@pytest.mark.parametrize(
    "when",
    [
        "malicious > 3 && malicious < 2",
        'scope == "public" && scope == "internal"',
        'scope == "elsewhere"',
        "tor == 'yes' && !(tor in ['yes', 'no'])",
        "noise_seen && !noise_seen",
        "false",
        # Facts that depend on each other
        "decisive > 2 && malicious < 2",
        "noise_seen && never_seen",
        "published_range && !known_scanner",
        "malicious > 1 && suspicious == 0",
        'targeting == "targeted" && noise_seen',
        "exposed > 0 && !exposure_known",
        'remembered_source == "malicious" && remembered_malicious == 0',
        'authorised_scan == "in_force" && authorised_detail != ""',
        "malicious >= malicious_quorum && malicious < 2",
        "remembered_benign > 100",
    ],
)
def test_it_proves_that_a_condition_contradicts_itself(when: str) -> None:
    assert found(escalating("a", when)) == [(Level.ERROR, "a", "it can never decide: no facts fulfil its condition")]


@pytest.mark.parametrize(
    "when",
    [
        "malicious > 3 && malicious < 5",
        "true",
        "malicious > 1000",
        "scan_ports > scan_targets && scan_targets > 5",
        "size(malicious_names) > 2",
        "size(malicious_names) == 2 && 'VirusTotal' in malicious_names",
        'reverse_name.startsWith("scan-") && reverse_name.endsWith(".example")',
        'reverse_name.contains("census")',
        '"VirusTotal" in failed_names && "Tor" in failed_names',
        "scan_ports + scan_targets > 100",
        "scan_ports - scan_targets > 100",
        'malicious == 0 ? noise_seen : tor == "yes"',
        'list_label == "a\\"b"',
        "malicious > 2.5",
        "remembered_malicious == 100",
        "malicious < malicious_quorum && malicious > 0",
    ],
)
def test_it_never_calls_a_condition_impossible_that_can_hold(when: str) -> None:
    assert reached(escalating("a", when)) in (Reach.DECIDES, Reach.NOT_FOUND)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("malicious > 1", "malicious > 2"),
        ("suspicious >= 1", "malicious >= 1"),
        ("malicious >= malicious_quorum", "decisive > 1"),
        ("true", "noise_seen"),
        ('severity in ["high", "critical"]', 'severity == "high" && noise_seen'),
        ("known_scanner", "published_range && scan_ports > 3"),
        ('scope != "public"', 'scope == "internal" && scan_alerts > 0'),
    ],
)
def test_it_proves_that_an_earlier_rule_takes_everything(first: str, second: str) -> None:
    assert found(escalating("first", first), escalating("second", second)) == [
        (Level.WARNING, "second", "it never decides: rule first takes everything that it would")
    ]
    assert reached(escalating("second", second), escalating("first", first)) == Reach.DECIDES


def test_it_knows_that_two_rules_together_may_take_everything() -> None:
    both = escalating("a", "scan_ports > 5"), escalating("b", "scan_ports < 9")
    ((level, name, message),) = found(*both, escalating("c", "scan_ports == 3 || scan_ports == 90"))
    assert (level, name) == (Level.NOTE, "c")
    assert "in " in message and " tries" in message


@pytest.mark.parametrize(
    "first",
    [
        escalating("first", "malicious > 1", mode='"propose"'),
        dismissing("first", "malicious > 1", 'quorum = ["greynoise"]'),
        escalating("first", "malicious > 1 && noise_seen"),
        escalating("first", "malicious > 3"),
    ],
    ids=["only proposes", "may be held back", "needs more", "takes less"],
)
def test_it_lets_a_rule_decide_what_an_earlier_one_may_leave(first: str) -> None:
    assert reached(first, escalating("second", "malicious > 2")) == Reach.DECIDES


def test_it_goes_by_the_quorum_of_the_policy() -> None:
    rule = escalating("a", "malicious >= malicious_quorum && malicious < 4")
    assert reached(rule) == Reach.DECIDES
    assert reached(rule, signals="[signals]\nmalicious_quorum = 4\n") == Reach.NEVER


comparisons = st.builds(
    "{} {} {}".format,
    st.sampled_from(["malicious", "decisive", "suspicious", "scan_ports"]),
    st.sampled_from(["<", ">=", "=="]),
    st.integers(0, 3),
)
flags = st.sampled_from(["noise_seen", "never_seen", "!beyond_recon", 'tor == "yes"', 'verdict == "malicious"'])
conditions = st.recursive(
    comparisons | flags,
    lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from(["&&", "||"]), inner),
    max_leaves=5,
)
voices = st.builds(
    lambda provider, say: say(provider),
    st.sampled_from(["virustotal", "abuseipdb", "spamhaus"]),
    st.sampled_from([malicious, suspicious, lambda provider: malicious(provider, Strength.DECISIVE)]),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(conditions, min_size=1, max_size=3),
    st.lists(voices, unique_by=lambda answer: answer.provider),
    st.sampled_from([(), (noise(),)]),
)
def test_it_is_never_wrong_about_what_it_proves(
    whens: list[str], said: list[Answer], noisy: tuple[Answer, ...]
) -> None:
    """Whatever evidence comes, no rule decides of which the linter says that it cannot."""
    policy = policy_of(*(escalating(f"r-{number}", when) for number, when in enumerate(whens)))
    proved = {rule.name for rule, search in reaches(policy) if search.reach in (Reach.NEVER, Reach.SHADOWED)}
    assert decide(policy, evidence(*said, *noisy)).rule not in proved


# Dismissals


@pytest.mark.parametrize(
    ("rule", "level", "message"),
    [
        (
            dismissing("a", "malicious == 0", 'quorum = ["dns"]'),
            Level.ERROR,
            "it can dismiss without an opinion: dns vouches for nobody",
        ),
        (
            dismissing("a", "malicious == 0", 'quorum = ["cymru", "tor"]'),
            Level.ERROR,
            "it can dismiss without an opinion: cymru, tor vouches for nobody",
        ),
        (
            dismissing("a", "scan_ports < 3", "complete = true"),
            Level.ERROR,
            "it dismisses whatever anybody thinks of the source: its condition looks at no opinion",
        ),
        (
            dismissing("a", "true", 'quorum = ["greynoise"]'),
            Level.ERROR,
            "it dismisses whatever anybody thinks of the source: its condition looks at no opinion",
        ),
        (
            dismissing("a", "benign > 0", 'quorum = ["greynoise"]'),
            Level.WARNING,
            "it does not look at who calls the source malicious, and needs no complete answers",
        ),
    ],
)
def test_it_finds_dismissals_on_too_little(rule: str, level: Level, message: str) -> None:
    assert (level, "a", message) in found(rule)


def test_it_finds_a_quorum_that_is_not_enabled() -> None:
    rule = dismissing("a", "malicious == 0", 'quorum = ["greynoise", "lists"]\ncomplete = true')
    assert found(rule) == []
    assert found(rule, enabled=EVERYBODY - {"greynoise"}) == [
        (Level.WARNING, "a", "it can never dismiss: its quorum needs greynoise, which is not enabled")
    ]


@pytest.mark.parametrize(
    "rule",
    [
        dismissing("a", "allow_listed && malicious == 0", 'quorum = ["lists"]'),
        dismissing("a", "malicious == 0", "complete = true"),
        dismissing("a", "published_range", 'quorum = ["warninglists"]'),
        dismissing("a", "malicious == 0", 'quorum = ["dns", "greynoise"]'),
    ],
)
def test_it_lets_a_dismissal_be_that_stands_on_enough(rule: str) -> None:
    assert found(rule) == []


# Facts that nobody supplies, and examples


def test_it_finds_facts_that_no_enabled_provider_supplies() -> None:
    rule = escalating("a", 'reverse_dns == "confirmed" && malicious > 0')
    assert found(rule) == []
    assert found(rule, enabled=EVERYBODY - {"dns"}) == [
        (Level.WARNING, "a", "reverse_dns is never known: no enabled provider supplies it (dns would)")
    ]


def test_it_goes_by_the_noise_sources_of_the_policy() -> None:
    rule, signals = escalating("a", "noise_seen"), '[signals]\nnoise_sources = ["dshield"]\n'
    enabled = EVERYBODY - {"dshield"}
    assert found(rule, enabled=enabled) == []
    assert found(rule, enabled=enabled, signals=signals) == [
        (Level.WARNING, "a", "noise_seen is never known: no enabled provider supplies it (dshield would)")
    ]


def test_it_says_when_no_enabled_provider_has_an_opinion() -> None:
    rule = escalating("a", "malicious > 0")
    message = "no enabled provider has an opinion: nobody calls any source malicious"
    assert found(rule, enabled=CONTEXT_PROVIDERS) == [(Level.WARNING, "", message)]
    assert found(rule, enabled=CONTEXT_PROVIDERS | {"spamhaus"}) == []


def test_it_knows_which_providers_have_no_opinion() -> None:
    assert {name for name, one in PROVIDERS.items() if not one.reputation} <= CONTEXT_PROVIDERS
    assert SUPPLIED_BY.keys() <= FACTS.keys()


EXAMPLE = '[[example]]\nname = "one"\noutcome = "{}"\nanswers = [{{ provider = "greynoise" }}]\n'


def test_it_finds_failing_examples_at_their_line_and_dismissals_without_one() -> None:
    rule = dismissing("a", "malicious == 0", 'quorum = ["greynoise"]')
    good, bad = policy_of(rule, EXAMPLE.format("dismissed")), policy_of(rule, EXAMPLE.format("escalated"))
    assert lint(good, EVERYBODY) == []
    line = bad.text.split("\n").index("[[example]]") + 1
    assert lint(bad, EVERYBODY) == [
        Finding(Level.ERROR, "a", line, "example “one” fails: it comes out as dismissed by rule a"),
        Finding(Level.NOTE, "a", 3, "it dismisses, and no example shows when"),
    ]


def test_it_puts_the_worst_first() -> None:
    findings = lint(
        policy_of(
            dismissing("noted", "malicious == 0", "complete = true"),
            escalating("warned", "noise_seen"),
            escalating("never", "false"),
        ),
        frozenset({"virustotal"}),
    )
    assert [(one.level, one.rule) for one in findings] == [
        (Level.ERROR, "never"), (Level.WARNING, "warned"), (Level.NOTE, "noted"),
    ]  # fmt: skip


def test_it_ends_on_rules_that_are_made_to_be_searched_for_long() -> None:
    wide = " && ".join(f"{name} > 1" for name in ("malicious", "suspicious", "failed", "reporters", "benign"))
    rules = [escalating(f"r-{at}", f"{wide} && scan_ports > {at} && scan_targets < {at}") for at in range(20)]
    tried = [search.tried for _, search in reaches(policy_of(*rules))]
    assert max(tried) <= TRIES + MATCHES * OTHERS
