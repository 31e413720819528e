"""Who reaches which page: asked of every route, so that a new one cannot forget it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from investigations import urls
from investigations.choices import Role

NUMBERS = {"pk": 1, "name": "virustotal"}
ROUTES = [pattern.name for pattern in urls.urlpatterns]
ACTIONS = {
    "investigation_claim", "investigation_release", "investigation_assign", "investigation_escalate",
    "investigation_dismiss", "investigation_reopen", "investigation_comment", "submission_create",
    "provider_configure", "provider_test", "user_create", "user_change_role", "user_set_active", "user_set_password",
    "token_create", "token_revoke", "theme",
    "automation_stop", "automation_start", "automation_configure", "rule_trip", "rule_release", "rule_caps",
    "rule_undo_now", "sample_review",
    "policy_activate", "policy_shadow", "policy_shadow_end", "policy_request_answer", "policy_rule_mode",
    "backtest_create", "backtest_cancel",
    "policy_draft_create", "policy_draft_save", "policy_draft_check", "policy_draft_store", "policy_draft_discard",
    "list_create", "list_change", "list_renew", "list_remove", "list_import_now", "exposure_upload", "exposure_remove",
}  # fmt: skip
FOR_ADMINS = [name for name in ROUTES if name.startswith(("provider", "user", "token"))]


def address(name):
    pattern = next(pattern for pattern in urls.urlpatterns if pattern.name == name)
    wanted = pattern.pattern.converters
    return reverse(name, kwargs={key: NUMBERS[key] for key in wanted})


@pytest.mark.parametrize("name", ROUTES)
def test_it_asks_strangers_to_log_in(client, db, name):
    method = client.post if name in ACTIONS else client.get
    response = method(address(name))
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("name", ROUTES)
def test_it_knows_the_right_that_each_page_needs(name):
    pattern = next(pattern for pattern in urls.urlpatterns if pattern.name == name)
    assert pattern.callback.right


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_it_changes_nothing_on_get(as_admin, name):
    assert as_admin.get(address(name)).status_code == 405


@pytest.mark.parametrize("name", sorted(set(ROUTES) - ACTIONS))
def test_it_takes_no_post_where_pages_are_read(as_admin, name):
    assert as_admin.post(address(name)).status_code == 405


@pytest.mark.parametrize("name", FOR_ADMINS)
def test_it_keeps_analysts_out_of_the_settings(as_analyst, name):
    method = as_analyst.post if name in ACTIONS else as_analyst.get
    assert method(address(name)).status_code == 403


@pytest.mark.parametrize(
    "role, status", [(Role.VIEWER, 403), (Role.ANALYST, 403), (Role.LEAD, 200), (Role.AUDITOR, 200)]
)
def test_it_shows_the_audit_history_to_those_who_may(client, make_user, role, status):
    client.force_login(make_user("somebody", role))
    assert client.get(reverse("audit")).status_code == status


def test_it_shows_viewers_no_action(client, viewer, make_investigation):
    investigation = make_investigation()
    client.force_login(viewer)
    for address_ in (reverse("queue"), investigation.get_absolute_url()):
        body = client.get(address_).text
        assert "Sentence" in body
        assert "/dismiss/" not in body and "/claim/" not in body and "/comment/" not in body


@pytest.mark.parametrize("verb", ["claim", "escalate", "dismiss", "reopen", "comment", "release", "assign"])
def test_it_refuses_viewers_who_post_anyway(client, viewer, make_investigation, verb):
    investigation = make_investigation()
    client.force_login(viewer)
    response = client.post(reverse(f"investigation_{verb}", args=[investigation.pk]), {"disposition": "noise"})
    assert response.status_code == 403
    investigation.refresh_from_db()
    assert investigation.status == "needs_review" and investigation.assignee is None


@pytest.mark.parametrize("path", ["signup/", "password/reset/", "email/", "logout/all/"])
def test_it_routes_nothing_of_allauth_that_is_not_ours(client, db, path):
    assert client.get(f"/accounts/{path}").status_code == 404


def test_it_logs_in_with_name_and_password(client, analyst):
    form = client.get(reverse("account_login"))
    assert form.status_code == 200
    response = client.post(reverse("account_login"), {"login": "anna", "password": "correct horse battery"})
    assert response["Location"] == reverse("queue")


def test_it_says_the_same_for_a_wrong_name_and_a_wrong_password(client, analyst):
    def answer(name):
        return (
            client.post(reverse("account_login"), {"login": name, "password": "wrong"}).context["form"].errors.as_text()
        )

    assert answer("anna") == answer("nobody")


def test_it_changes_the_own_password(as_analyst, analyst):
    page = as_analyst.get(reverse("account_change_password"))
    assert page.status_code == 200
    new = "a much longer secret 7"
    data = {"oldpassword": "correct horse battery", "password1": new, "password2": new}
    assert as_analyst.post(reverse("account_change_password"), data).status_code == 302
    analyst.refresh_from_db()
    assert analyst.check_password(new)


def test_it_has_calm_error_pages(client, as_analyst, settings):
    settings.DEBUG = False
    client.raise_request_exception = False
    missing = client.get("/nothing/here/")
    assert missing.status_code == 404 and "There is nothing here" in missing.text
    forbidden = client.get(reverse("users"))
    assert forbidden.status_code == 403 and "not for your role" in forbidden.text
