"""People and their roles, for admins. A password that is made here is shown once, in the answer that made it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from investigations.access import needs
from investigations.choices import Role
from investigations.forms.settings import RoleForm, UserForm
from investigations.models import User
from investigations.services import users as services
from investigations.views.requests import PersonRequest, actor

TEMPLATE = "users/users.html"


@require_safe
@needs("configure")
def users(request: PersonRequest) -> HttpResponse:
    return _page(request, UserForm())


@require_POST
@needs("configure")
def user_create(request: PersonRequest) -> HttpResponse:
    form = UserForm(request.POST)
    if not form.is_valid():
        return _page(request, form)
    try:
        data = form.cleaned_data
        user, password = services.create_user(data["username"], role=data["role"], password=None, actor=actor(request))
    except ValidationError as error:
        form.add_error(None, error)
        return _page(request, form)
    return _page(request, UserForm(), made=user, password=password)


@require_POST
@needs("configure")
def user_change_role(request: PersonRequest, pk: int) -> HttpResponse:
    user, form = get_object_or_404(User, pk=pk), RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "There is no such role.")
        return HttpResponseRedirect(reverse("users"))
    try:
        services.change_role(user, role=form.cleaned_data["role"], actor=actor(request))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, f"{user} is {Role(user.role).label.lower()} now.")
    return HttpResponseRedirect(reverse("users"))


@require_POST
@needs("configure")
def user_set_active(request: PersonRequest, pk: int) -> HttpResponse:
    user, active = get_object_or_404(User, pk=pk), request.POST.get("active") == "1"
    try:
        services.set_active(user, active=active, actor=actor(request))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, f"{user} may {'log in again' if active else 'not log in any more'}.")
    return HttpResponseRedirect(reverse("users"))


@require_POST
@needs("configure")
def user_set_password(request: PersonRequest, pk: int) -> HttpResponse:
    user = get_object_or_404(User, pk=pk)
    password = services.set_password(user, actor=actor(request))
    return _page(request, UserForm(), made=user, password=password)


def _page(request: PersonRequest, form: UserForm, **shown_once: Any) -> HttpResponse:
    context = {"form": form, "people": User.objects.order_by("username"), "roles": Role.choices}
    return render(request, TEMPLATE, context | shown_once)
