"""System checks: a SOC tool that is silently misconfigured is worse than one that is down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

from investigations.crypto import seal


def check_encryption_keys(**kwargs: Any) -> Sequence[CheckMessage]:
    try:
        seal("", "check")
    except ImproperlyConfigured as error:
        return [Error(str(error), id="reconsoc.E001")]
    return []


def check_test_networks(**kwargs: Any) -> Sequence[CheckMessage]:
    if settings.ALLOW_TEST_NETWORKS and settings.HTTPS:
        return [
            Warning(
                "RECONSOC_ALLOW_TEST_NETWORKS is on: documentation addresses count as public.",
                hint="Switch it off outside of tests and demonstrations.",
                id="reconsoc.W001",
            )
        ]
    return []


def connect() -> None:
    register(check_encryption_keys)
    register(check_test_networks, deploy=True)
