"""API tokens, for admins. The secret is shown once, in the answer that made it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from investigations.access import needs
from investigations.choices import TokenScope
from investigations.forms.settings import TokenForm
from investigations.models import ApiToken
from investigations.services import tokens as services
from investigations.views.requests import PersonRequest, actor


@require_safe
@needs("configure")
def tokens(request: PersonRequest) -> HttpResponse:
    return _page(request, TokenForm())


@require_POST
@needs("configure")
def token_create(request: PersonRequest) -> HttpResponse:
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _page(request, form)
    data = form.cleaned_data
    try:
        token, secret = services.create_token(
            data["name"], scopes=data["scopes"], days=data["days"], actor=actor(request)
        )
    except ValidationError as error:
        form.add_error(None, error.messages)
        return _page(request, form)
    return _page(request, TokenForm(), made=token, secret=secret)


@require_POST
@needs("configure")
def token_revoke(request: PersonRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, pk=pk)
    services.revoke_token(token, actor=actor(request))
    messages.success(request, f"Token {token} is revoked: nothing can use it any more.")
    return HttpResponseRedirect(reverse("tokens"))


def _page(request: PersonRequest, form: TokenForm, **shown_once: Any) -> HttpResponse:
    labels = dict(TokenScope.choices)
    rows = [
        (token, [labels.get(scope, scope) for scope in token.scopes]) for token in ApiToken.objects.order_by("-created")
    ]
    return render(request, "tokens/tokens.html", {"form": form, "tokens": rows} | shown_once)
