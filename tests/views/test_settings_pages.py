"""What admins see and change: providers, users, tokens; secrets go in or are shown once, and never come back."""

from __future__ import annotations

import pytest
from django.urls import reverse

from investigations.models import ApiToken, ProviderSettings, User

KEY = "k3y-that-must-not-be-seen"


def settings_of(name):
    return ProviderSettings.objects.get(name=name)


def form_of(name, **changes):
    row = settings_of(name)
    names = ("url", "timeout", "freshness", "per_minute", "per_day")
    return {field: getattr(row, field) for field in names} | ({"enabled": "on"} if row.enabled else {}) | changes


def configure(client, name, **changes):
    return client.post(reverse("provider_configure", args=[name]), form_of(name, **changes))


def test_it_lists_every_provider_with_its_state(as_admin):
    body = as_admin.get(reverse("providers")).text
    assert "<b>VirusTotal</b>" in body and "Needs a key" in body
    assert "sends the address" in body


def test_it_takes_a_key_and_never_shows_it(as_admin):
    assert configure(as_admin, "virustotal", key=KEY).status_code == 302
    row = settings_of("virustotal")
    assert row.key == KEY and row.enabled
    for address in (reverse("providers"), reverse("provider_detail", args=["virustotal"]), reverse("audit")):
        body = as_admin.get(address).text
        assert KEY not in body
        assert row.key_fingerprint in body


def test_it_does_not_give_a_refused_key_back(as_admin):
    response = configure(as_admin, "virustotal", key=KEY, url="ftp://x")
    assert response.status_code == 200 and "errorlist" in response.text
    assert KEY not in response.text
    assert not settings_of("virustotal").has_key


def test_it_keeps_the_key_when_the_field_is_empty(as_admin):
    configure(as_admin, "virustotal", key=KEY)
    configure(as_admin, "virustotal", per_day=7)
    row = settings_of("virustotal")
    assert row.key == KEY and row.per_day == 7


def test_it_removes_the_key_on_request(as_admin):
    configure(as_admin, "virustotal", key=KEY)
    data = form_of("virustotal", remove_key="on")
    data.pop("enabled")
    as_admin.post(reverse("provider_configure", args=["virustotal"]), data)
    assert not settings_of("virustotal").has_key


def test_it_switches_a_provider_off(as_admin):
    data = form_of("dns")
    data.pop("enabled")
    as_admin.post(reverse("provider_configure", args=["dns"]), data)
    assert not settings_of("dns").enabled


@pytest.mark.parametrize(
    "changes", [{"url": "ftp://x"}, {"url": "https://u:p@x"}, {"timeout": "0"}, {"per_day": "-1"}, {"freshness": "x"}]
)
def test_it_says_what_is_wrong_with_a_setting(as_admin, changes):
    before = form_of("dns")
    response = configure(as_admin, "dns", **changes)
    assert response.status_code == 200 and "errorlist" in response.text
    assert form_of("dns") == before


def test_it_tests_the_connection_for_real(as_admin):
    response = as_admin.post(reverse("provider_test", args=["virustotal"]), follow=True)
    row = settings_of("virustotal")
    assert row.test_ok is False and row.tested
    assert row.test_message in response.text and "failed" in response.text


def test_it_knows_no_other_provider(as_admin):
    assert as_admin.get(reverse("provider_detail", args=["nobody"])).status_code == 404


def test_it_makes_a_user_and_shows_the_password_once(as_admin, client):
    body = as_admin.post(reverse("user_create"), {"username": "otto", "role": "lead"}).text
    password = body.split('class="secret">')[1].split("<")[0]
    otto = User.objects.get(username="otto")
    assert otto.role == "lead" and otto.check_password(password)
    assert password not in as_admin.get(reverse("users")).text


@pytest.mark.parametrize(
    "data",
    [
        {"username": "", "role": "lead"},
        {"username": "ada", "role": "lead"},
        {"username": "a b<", "role": "lead"},
        {"username": "otto", "role": "god"},
    ],
)
def test_it_makes_no_user_from_nonsense(as_admin, data):
    response = as_admin.post(reverse("user_create"), data)
    assert response.status_code == 200 and "errorlist" in response.text
    assert User.objects.count() == 1


def test_it_changes_a_role(as_admin, analyst):
    as_admin.post(reverse("user_change_role", args=[analyst.pk]), {"role": "lead"})
    analyst.refresh_from_db()
    assert analyst.role == "lead"


def test_it_keeps_the_last_admin(as_admin, admin):
    as_admin.post(reverse("user_set_active", args=[admin.pk]), {"active": "0"})
    response = as_admin.post(reverse("user_change_role", args=[admin.pk]), {"role": "viewer"}, follow=True)
    admin.refresh_from_db()
    assert admin.is_active and admin.role == "admin"
    assert "last active admin" in response.text


def test_it_switches_a_user_off_and_on(as_admin, analyst):
    for active in (False, True):
        as_admin.post(reverse("user_set_active", args=[analyst.pk]), {"active": int(active)})
        analyst.refresh_from_db()
        assert analyst.is_active is active


def test_it_gives_a_new_password_once(as_admin, analyst):
    body = as_admin.post(reverse("user_set_password", args=[analyst.pk])).text
    analyst.refresh_from_db()
    assert analyst.check_password(body.split('class="secret">')[1].split("<")[0])


def test_it_makes_a_token_and_shows_it_once(as_admin):
    data = {"name": "dmz-1", "scopes": ["ingest:write"], "days": 30}
    body = as_admin.post(reverse("token_create"), data).text
    secret = body.split('class="secret">')[1].split("<")[0]
    token = ApiToken.objects.get()
    assert token.public_id in secret and token.scopes == ["ingest:write"]
    assert secret not in as_admin.get(reverse("tokens")).text
    assert secret not in as_admin.get(reverse("audit")).text


@pytest.mark.parametrize("changes", [{"name": ""}, {"scopes": []}, {"scopes": ["root"]}, {"days": 0}, {"days": 99999}])
def test_it_makes_no_token_from_nonsense(as_admin, changes):
    data = {"name": "dmz-1", "scopes": ["ingest:write"], "days": 30} | changes
    response = as_admin.post(reverse("token_create"), data)
    assert response.status_code == 200 and "errorlist" in response.text
    assert not ApiToken.objects.exists()


def test_it_makes_no_second_token_of_a_name(as_admin):
    data = {"name": "dmz-1", "scopes": ["ingest:write"], "days": 30}
    as_admin.post(reverse("token_create"), data)
    assert "errorlist" in as_admin.post(reverse("token_create"), data).text
    assert ApiToken.objects.count() == 1


def test_it_revokes_a_token(as_admin):
    as_admin.post(reverse("token_create"), {"name": "dmz-1", "scopes": ["ingest:write"], "days": 30})
    token = ApiToken.objects.get()
    response = as_admin.post(reverse("token_revoke", args=[token.pk]), follow=True)
    token.refresh_from_db()
    assert not token.is_active and "revoked" in response.text
