"""The pages, one name each; actions are POST only."""

from __future__ import annotations

from django.urls import path

from investigations.views import actions, audit, investigations, providers, queue, submissions, theme, tokens, users

urlpatterns = [
    path("", queue.queue, name="queue"),
    path("investigations/<int:pk>/", investigations.investigation_detail, name="investigation_detail"),
    path("investigations/<int:pk>/evidence.json", investigations.investigation_evidence, name="investigation_evidence"),
    path("investigations/<int:pk>/replay/", investigations.investigation_replay, name="investigation_replay"),
    path("investigations/<int:pk>/claim/", actions.investigation_claim, name="investigation_claim"),
    path("investigations/<int:pk>/release/", actions.investigation_release, name="investigation_release"),
    path("investigations/<int:pk>/assign/", actions.investigation_assign, name="investigation_assign"),
    path("investigations/<int:pk>/escalate/", actions.investigation_escalate, name="investigation_escalate"),
    path("investigations/<int:pk>/dismiss/", actions.investigation_dismiss, name="investigation_dismiss"),
    path("investigations/<int:pk>/reopen/", actions.investigation_reopen, name="investigation_reopen"),
    path("investigations/<int:pk>/comment/", actions.investigation_comment, name="investigation_comment"),
    path("alerts/<int:pk>/raw/", investigations.alert_raw, name="alert_raw"),
    path("submit/", submissions.submission, name="submission"),
    path("submit/send/", submissions.submission_create, name="submission_create"),
    path("submit/progress/", submissions.submission_progress, name="submission_progress"),
    path("providers/", providers.providers, name="providers"),
    path("providers/<slug:name>/", providers.provider_detail, name="provider_detail"),
    path("providers/<slug:name>/configure/", providers.provider_configure, name="provider_configure"),
    path("providers/<slug:name>/test/", providers.provider_test, name="provider_test"),
    path("users/", users.users, name="users"),
    path("users/create/", users.user_create, name="user_create"),
    path("users/<int:pk>/role/", users.user_change_role, name="user_change_role"),
    path("users/<int:pk>/active/", users.user_set_active, name="user_set_active"),
    path("users/<int:pk>/password/", users.user_set_password, name="user_set_password"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/create/", tokens.token_create, name="token_create"),
    path("tokens/<int:pk>/revoke/", tokens.token_revoke, name="token_revoke"),
    path("audit/", audit.audit, name="audit"),
    path("theme/", theme.theme, name="theme"),
]
