"""Who may do what. One line per right; views, API and templates ask here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from investigations.choices import Role
from investigations.models import User

EVERYBODY = frozenset(Role)
WORKERS = frozenset({Role.ANALYST, Role.LEAD, Role.ADMIN})

RIGHTS: dict[str, frozenset[Role]] = {
    "read": EVERYBODY,
    "submit": WORKERS,  # ask for an investigation by hand
    "work": WORKERS,  # claim, comment, escalate, dismiss, reopen
    "reassign": frozenset({Role.LEAD, Role.ADMIN}),  # take over what somebody else holds
    "review": WORKERS,  # give an opinion on a sampled dismissal
    "stop": WORKERS,  # stop automatic dismissals: everybody on duty may pull the brake
    "brake": frozenset({Role.LEAD, Role.ADMIN}),  # start them again, set caps, release a rule, undo
    "write_policy": frozenset({Role.LEAD, Role.ADMIN}),  # drafts, backtests, shadow mode, activation
    "keep_lists": frozenset({Role.LEAD, Role.ADMIN}),  # our own lists, and what of ours is open
    "read_audit": frozenset({Role.LEAD, Role.ADMIN, Role.AUDITOR}),
    "configure": frozenset({Role.ADMIN}),  # providers and keys, users, tokens, four eyes
}


def may(user: User | AnonymousUser, right: str) -> bool:
    return isinstance(user, User) and user.is_active and Role(user.role) in RIGHTS[right]


def needs(right: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Only people with this right reach the view; strangers are sent to the log-in page."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not may(request.user, right):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        guarded.right = right  # type: ignore[attr-defined]
        return guarded

    return decorate
