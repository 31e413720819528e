"""The policy in force, and any version that ever decided."""

from __future__ import annotations

from functools import lru_cache

from investigations.models import PolicyVersion
from investigations.policy.document import Policy, parse_policy


def active_policy() -> tuple[int, Policy]:
    """Number and rules of the policy in force. Raises PolicyVersion.DoesNotExist on a database that is not prepared."""
    version = PolicyVersion.objects.get(active=True)
    return version.pk, parsed(version.document)


@lru_cache(maxsize=32)
def parsed(document: str) -> Policy:
    """A policy's text, compiled once in each process."""
    return parse_policy(document)
