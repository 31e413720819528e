"""The rules of a version, as its pages show them."""

from __future__ import annotations

from dataclasses import dataclass

from investigations.choices import Disposition
from investigations.models import PolicyVersion
from investigations.policy.document import Rule
from investigations.policy.own import LISTS, MEMORY
from investigations.policy.wording import listed
from investigations.providers import PROVIDERS
from investigations.queries.agreement import rules_agreement
from investigations.queries.automation import automation
from investigations.queries.policies import readable
from investigations.views.policy.shares import Share, share_of

DISPOSITIONS = {value: str(label) for value, label in Disposition.choices}


@dataclass(frozen=True, slots=True)
class RuleShown:
    """A rule with its disposition and its guard in words, and what people said about its proposals."""

    rule: Rule
    disposition: str
    guard: str  # what a dismissal needs besides the condition; empty for other rules
    share: Share | None  # of a rule that only proposes, or that judges in the shadow


def rules_of(version: PolicyVersion | None) -> list[RuleShown] | None:
    """In their order; None if the text is no policy for this release any more."""
    policy = readable(version) if version else None
    if version is None or policy is None:
        return None
    shares: dict[str, Share] = {}
    if version.shadow or any(rule.proposes for rule in policy.rules):
        settings = automation()
        shares = {name: share_of(found, settings) for name, found in rules_agreement(version.pk).items()}
    return [
        RuleShown(rule, DISPOSITIONS.get(rule.disposition, ""), guard_of(rule), shares.get(rule.name))
        for rule in policy.rules
    ]


def guard_of(rule: Rule) -> str:
    """For example: `Dismisses only if GreyNoise and DNS know the source by a fresh, explicit answer.`"""
    names = [
        PROVIDERS[name].label if name in PROVIDERS else name for name in rule.quorum if name not in (LISTS, MEMORY)
    ]
    parts = (
        [f"{listed(names)} {'knows' if len(names) == 1 else 'know'} it by a fresh, explicit answer"] if names else []
    )
    parts += ["an entry of our own lists vouches for it"] if LISTS in rule.quorum else []
    parts += ["a person has vouched for exactly this source before"] if MEMORY in rule.quorum else []
    parts += ["nobody whose silence could hide something has failed to answer"] if rule.complete else []
    return f"Dismisses only if {', and '.join(parts)}." if parts else ""
