"""Every address of the site: pages, API, log-in."""

from __future__ import annotations

from allauth.account import views as account
from django.urls import include, path

from investigations.api import health

# Of allauth only these: nobody signs up, resets a password by mail or manages addresses here
accounts = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("password/", account.password_change, name="account_change_password"),
]

urlpatterns = [
    path("", include("investigations.urls")),
    path("api/v1/", include("investigations.api.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("accounts/", include(accounts)),
]
