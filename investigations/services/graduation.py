"""Graduation: a rule that only proposed may act, or one that acted only proposes, each as a new version."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from investigations.choices import Mode
from investigations.models import ActivationRequest, Actor, AuditEvent, Automation, PolicyVersion, User
from investigations.policy.document import parse_policy
from investigations.policy.edit import with_mode
from investigations.queries.agreement import Agreement, agreement, why_not_yet
from investigations.services.policies import MOVED, gate, open_request, put_in_force, required

ENOUGH = "People agreed with {agreed} of {n} proposals."


@dataclass(frozen=True, slots=True)
class Changed:
    """The version with the changed rule; with four eyes it waits for the approval of `request`."""

    version: PolicyVersion
    request: ActivationRequest | None


def set_mode(rule: str, mode: Mode, *, seen: int, reason: str, user: User, actor: Actor) -> Changed:
    """Let a rule of the version in force act, or only propose.

    Where people do not agree enough with its proposals, a reason overrides that, and the numbers are audited.
    `seen` is the version the person looked at. ValueError says why not.
    """
    with transaction.atomic():
        automation = gate()
        current = PolicyVersion.objects.filter(active=True).first()
        if current is None or current.pk != seen:
            raise ValueError(MOVED)
        _check_changeable(current, rule, mode)
        found = agreement(current.pk, rule)
        why = why_not_yet(found, automation) if mode == Mode.ACT else ""
        reason = _reason(reason, found, mode, why)
        version = _with_mode(current, rule, mode, reason, actor)
        AuditEvent.objects.record(
            actor,
            _action(mode, why),
            f"rule {rule}",
            before={"mode": _other(mode).value, "policy": current.pk},
            after={"mode": mode.value, "policy": version.pk}
            | (_numbers(found, automation) if mode == Mode.ACT else {}),
            reason=reason,
        )
        if automation.four_eyes:
            return Changed(version, open_request(version.pk, reason=reason, user=user, actor=actor))
        return Changed(put_in_force(version.pk, reason=reason, actor=actor, seen=seen), None)


def _check_changeable(current: PolicyVersion, name: str, mode: Mode) -> None:
    rule = next((rule for rule in parse_policy(current.document).rules if rule.name == name), None)
    if rule is None:
        raise ValueError(f"Policy {current.pk} has no rule {name}.")
    if rule.mode == mode:
        raise ValueError(f"Rule {name} {'acts' if mode == Mode.ACT else 'only proposes'} already.")


def _reason(reason: str, found: Agreement, mode: Mode, why: str) -> str:
    if mode == Mode.ACT and not why:
        return reason.strip() or ENOUGH.format(agreed=found.agreed, n=found.n)
    if why and not reason.strip():
        raise ValueError(f"{why} To let it act all the same, say why.")
    return required(reason)


def _with_mode(current: PolicyVersion, rule: str, mode: Mode, reason: str, actor: Actor) -> PolicyVersion:
    """The version that differs in this one line; an earlier one if that is the same text."""
    policy = parse_policy(with_mode(current.document, rule, mode))
    note = f"Rule {rule} {'acts' if mode == Mode.ACT else 'only proposes'}: {reason}"[:500]
    version, created = PolicyVersion.objects.get_or_create(
        digest=policy.digest,
        defaults={"name": policy.name[:100], "document": policy.text, "note": note, "created_by": actor.name},
    )
    if created:
        after = {"name": version.name, "digest": version.digest, "source": f"policy {current.pk}"}
        AuditEvent.objects.record(actor, "policy.stored", f"policy {version.pk}", after=after, reason=note)
    return version


def _action(mode: Mode, why: str) -> str:
    if mode == Mode.PROPOSE:
        return "policy.rule_restrained"
    return "policy.override" if why else "policy.rule_graduated"


def _other(mode: Mode) -> Mode:
    return Mode.PROPOSE if mode == Mode.ACT else Mode.ACT


def _numbers(found: Agreement, automation: Automation) -> dict[str, object]:
    """What people said about the rule's proposals, and what would have been needed; percent."""
    return {
        "n": found.n,
        "agreed": found.agreed,
        "rate": round(found.rate * 100, 1),
        "low": round(found.low * 100, 1),
        "high": round(found.high * 100, 1),
        "waiting": found.waiting,
        "needed": automation.graduate_reviews,
        "needed_low": automation.graduate_percent,
    }
