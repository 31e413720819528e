"""Which facts can be so together: what follows from what, however the answers are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from investigations.choices import Targeting, Verdict

ROUNDS = 5  # what one change breaks, the next one mends

type Check = Callable[[Any, Any], bool]


def _at_most(low: int, high: int) -> bool:
    return low <= high


def _implies(one: Any, other: Any) -> bool:
    return not one or bool(other)


def _never_both(one: Any, other: Any) -> bool:
    return not (one and other)


def _together(one: Any, other: Any) -> bool:
    return bool(one) == bool(other)


# Two facts, and what holds for every pair of their values
DEPENDENT: Final[tuple[tuple[str, str, Check], ...]] = (
    ("decisive", "malicious", _at_most),
    ("judged_malicious", "malicious", _at_most),
    ("domain_malicious", "malicious", _at_most),
    ("malicious", "suspicious", _at_most),
    ("silent", "answered", _at_most),
    ("malicious", "malicious_names", _together),
    ("suspicious", "suspicious_names", _together),
    ("domain_malicious", "bad_domains", _together),
    ("failed", "failed_names", _together),
    ("disagreement", "malicious", _implies),
    ("verdict", "malicious", lambda verdict, malicious: verdict != Verdict.MALICIOUS or malicious > 0),
    ("decisive", "verdict", lambda decisive, verdict: not decisive or verdict == Verdict.MALICIOUS),
    ("known_scanner", "scanner_name", _together),
    ("published_range", "known_scanner", _implies),
    ("actor_confirmed", "known_scanner", _implies),
    ("business_service", "service_name", _together),
    ("trust_level", "business_service", _implies),
    ("claims_scanner", "reverse_name", _implies),
    ("reverse_dns", "reverse_name", lambda state, name: (state in ("confirmed", "unconfirmed")) == bool(name)),
    ("is_address", "reverse_dns", lambda address, state: address or state == "unknown"),
    ("noise_seen", "noise_seen_by", _together),
    ("noise_seen", "never_seen", _never_both),
    ("noise_seen_by", "never_seen", _never_both),
    ("noise_seen_by", "noise_sources_answered", _at_most),
    ("never_seen", "noise_sources_answered", _implies),
    ("targeting", "noise_seen", lambda targeting, seen: (targeting == Targeting.OPPORTUNISTIC) == seen),
    ("targeting", "never_seen", lambda targeting, never: targeting != Targeting.TARGETED or never),
    ("targeting", "scan_alerts", lambda targeting, alerts: targeting != Targeting.TARGETED or alerts > 0),
    ("exposed", "exposure_known", _implies),
    ("authorised_detail", "authorised_scan", lambda detail, state: bool(detail) == (state not in ("no", "in_force"))),
    ("remembered_source", "remembered_by", lambda source, by: source != "none" or not by),
    ("remembered_source", "remembered_malicious", lambda source, weight: source != "malicious" or weight > 0),
    ("remembered_source", "remembered_benign", lambda source, weight: source != "benign" or weight > 0),
)


def possible(facts: Mapping[str, Any]) -> bool:
    """Whether these facts can be so together; one that is not named can be anything."""
    return not any(_broken(facts))


def settled(facts: dict[str, Any], free: Mapping[str, Sequence[Any]]) -> dict[str, Any] | None:
    """The facts with those that are free changed, to one of their values each, until all can be so together."""
    facts = dict(facts)
    for _ in range(ROUNDS):
        broken = list(_broken(facts))
        if not broken:
            return facts
        for one, other, check in broken:
            if other in free:
                fitting = [value for value in free[other] if check(facts[one], value)]
                facts[other] = fitting[0] if fitting else facts[other]
            elif one in free:
                fitting = [value for value in free[one] if check(value, facts[other])]
                facts[one] = fitting[0] if fitting else facts[one]
    return None


def _broken(facts: Mapping[str, Any]) -> Iterator[tuple[str, str, Check]]:
    for one, other, check in DEPENDENT:
        if one in facts and other in facts and not check(facts[one], facts[other]):
            yield one, other, check
