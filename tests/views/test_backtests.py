"""The pages of backtests: started by those who may, followed live, and read with what must not be missed on top."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from investigations.choices import BacktestState, Role, Status
from investigations.models import Backtest, Decision, PolicyDraft, PolicyVersion, User
from investigations.policy.document import default_policy
from investigations.queries import backtests as queries
from investigations.services.backtest_run import run
from investigations.services.backtests import take
from tests.playbooks.makers import RULE, dismissed
from tests.views.conftest import HOSTILE, part

pytestmark = pytest.mark.django_db
DEFAULT = default_policy().text
CAREFUL = DEFAULT.replace(f'name = "{RULE}"', f'name = "{RULE}"\nmode = "propose"', 1)


@pytest.fixture
def as_lead(client: Client, lead: User) -> Client:
    client.force_login(lead)
    return client


@pytest.fixture
def version() -> PolicyVersion:
    return PolicyVersion.objects.get(active=True)


def started(client: Client, **data: Any) -> Backtest:
    response = client.post(reverse("backtest_create"), {"days": 30, **data})
    assert response.status_code == 302, response.text
    return Backtest.objects.latest("pk")


def ended() -> None:
    lease = take()
    assert lease and run(lease)


def page(client: Client, backtest: Backtest, query: str = "") -> str:
    response = client.get(reverse("backtest_detail", args=[backtest.pk]) + query)
    assert response.status_code == 200
    return response.text


def test_it_says_what_to_do_while_there_is_none(as_lead: Client) -> None:
    body = as_lead.get(reverse("backtests")).text
    assert "Nothing was tried yet." in body and "Try a policy on the past" in body


def test_it_starts_one_of_a_draft_or_of_a_version(as_lead: Client, version: PolicyVersion) -> None:
    draft = PolicyDraft.objects.create(document=CAREFUL, author="lea")
    first, second = started(as_lead, draft=draft.pk), started(as_lead, version=version.pk, days=7)

    assert (first.draft, first.document, first.asked_by) == (draft, CAREFUL, "lea")
    assert (second.draft, second.document, second.days) == (None, version.document, 7)
    body = as_lead.get(reverse("backtests")).text
    assert f"Backtest {first.pk}" in body and reverse("policy_draft", args=[draft.pk]) in body
    assert reverse("policy_version", args=[version.pk]) in body


@pytest.mark.parametrize(
    "data, why",
    [
        ({}, "one of both"),
        ({"draft": "x"}, "valid choice"),
        ({"draft": 99}, "valid choice"),
        ({"version": 1, "days": 0}, "greater than or equal to 1"),
        ({"version": 1, "days": 366}, "less than or equal to 365"),
        ({"version": 1, "days": ""}, "required"),
    ],
)
def test_it_says_what_is_wrong_with_the_form(
    as_lead: Client, version: PolicyVersion, data: dict[str, Any], why: str
) -> None:
    data = {"days": 30, **data} | ({"version": version.pk} if "version" in data else {})
    response = as_lead.post(reverse("backtest_create"), data)
    assert response.status_code == 200 and why in response.text
    assert not Backtest.objects.exists()


def test_it_refuses_a_draft_that_is_no_policy(as_lead: Client) -> None:
    draft = PolicyDraft.objects.create(document="<b>junk", author="lea")
    response = as_lead.post(reverse("backtest_create"), {"draft": draft.pk, "days": 30})
    assert "no policy yet" in response.text and "<b>junk" not in response.text
    assert not Backtest.objects.exists()


@pytest.mark.parametrize(
    "role, may",
    [(Role.VIEWER, False), (Role.ANALYST, False), (Role.AUDITOR, False), (Role.LEAD, True), (Role.ADMIN, True)],
)
def test_it_lets_everybody_read_and_some_start_and_cancel(
    client: Client, make_user: Callable[..., User], version: PolicyVersion, role: Role, may: bool
) -> None:
    client.force_login(make_user("somebody", role))
    waiting = Backtest.objects.create(document=DEFAULT, digest="0" * 64, days=3, asked_by="lea")
    for address in (reverse("backtests"), reverse("backtest_detail", args=[waiting.pk])):
        body = client.get(address).text
        assert ("/create/" in body or "/cancel/" in body) is may
    answers = [
        client.post(reverse("backtest_create"), {"version": version.pk, "days": 3}).status_code,
        client.post(reverse("backtest_cancel", args=[waiting.pk])).status_code,
    ]
    assert answers == ([302, 302] if may else [403, 403])
    waiting.refresh_from_db()
    assert (waiting.state == BacktestState.CANCELLED) is may


def test_it_follows_the_progress_and_then_loads_the_page_anew(as_lead: Client, version: PolicyVersion) -> None:
    backtest = started(as_lead, version=version.pk)
    assert "Waits for a worker" in page(as_lead, backtest)
    Backtest.objects.update(state="running", total=2000, done=500, summary={"graves": 3})
    address = reverse("backtest_detail", args=[backtest.pk])
    live = as_lead.get(address, headers=part("progress")).text

    assert live.strip().startswith("<section") and 'max="2000" value="500"' in live
    assert "500 of 2,000 decisions" in live and "3 decisions that people had escalated" in live
    assert 'href="' + address in live, "without scripts, a link does the same"
    Backtest.objects.update(state="done")
    assert as_lead.get(address, headers=part("progress"))["HX-Refresh"] == "true"


def test_it_shows_first_what_people_had_escalated(as_lead: Client, version: PolicyVersion) -> None:
    one, _ = dismissed(2)
    Decision.objects.create(
        investigation_id=one.investigation_id, outcome=Status.ESCALATED, automatic=False, actor=HOSTILE, severity="low"
    )
    backtest = started(as_lead, version=version.pk)
    ended()
    body = page(as_lead, backtest)

    heading = body.index("It would dismiss 1 decision that people had escalated")
    assert heading < body.index("decisions would come out otherwise") < body.index("Changes, one by one")
    assert "All of them were dismissed before, too" in body
    assert f"INV-{one.investigation_id}" in body
    assert "Only frozen evidence was used" in body
    assert "<script>alert" not in body and "⟨U+202E⟩" in body


def test_it_says_when_nobody_escalated_anything(as_lead: Client, version: PolicyVersion) -> None:
    dismissed(1)
    backtest = started(as_lead, version=version.pk)
    ended()
    assert "That proves little" in page(as_lead, backtest)


def test_it_shows_hostile_names_and_errors_as_text(as_lead: Client, version: PolicyVersion) -> None:
    [one] = dismissed(1)
    Decision.objects.filter(pk=one.pk).update(rule=HOSTILE, policy=None)
    PolicyVersion.objects.update(active=False)
    backtest = started(as_lead, version=version.pk)
    ended()
    body = page(as_lead, backtest)
    assert "<script>alert" not in body and "&lt;script&gt;" in body
    Backtest.objects.update(state="failed", error=HOSTILE, asked_by=HOSTILE)
    for body in (page(as_lead, backtest), as_lead.get(reverse("backtests")).text):
        assert "<script>alert" not in body and "hx-get=&quot;/users/" in body


def test_it_filters_and_pages_the_changes(
    as_lead: Client, version: PolicyVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "CHANGES", 3)
    rows = dismissed(7)
    for row in rows[:2]:
        Decision.objects.create(
            investigation_id=row.investigation_id,
            outcome=Status.ESCALATED,
            automatic=False,
            actor="anna",
            severity="low",
        )
    draft = PolicyDraft.objects.create(document=CAREFUL, author="lea")
    backtest = started(as_lead, draft=draft.pk)
    ended()
    everything = page(as_lead, backtest)
    assert "7 decisions of 7 decisions would come out otherwise" in everything

    first = as_lead.get(reverse("backtest_detail", args=[backtest.pk]))
    older = as_lead.get(reverse("backtest_detail", args=[backtest.pk]), {"cursor": first.context["page"].older})
    shown = [[row.change.investigation_id for row in response.context["rows"]] for response in (first, older)]
    assert shown == [
        [row.investigation_id for row in rows[::-1]][:3],
        [row.investigation_id for row in rows[::-1]][3:6],
    ]

    for query, count in [
        ("?before=dismissed&after=needs_review", 3), ("?after=escalated", 0), (f"?rule={RULE}", 3), ("?rule=x", 0),
        ("?kind=grave", 0), ("?kind=against", 0),
    ]:  # fmt: skip
        response = as_lead.get(reverse("backtest_detail", args=[backtest.pk]) + query)
        assert len(response.context["rows"]) == count, query
    assert "No change fits." in page(as_lead, backtest, "?after=escalated")
    assert "filters cannot be used" in page(as_lead, backtest, "?after=nonsense")
    assert "not valid any more" in page(as_lead, backtest, "?cursor=forged")


def test_it_shows_the_results_with_a_fixed_number_of_queries(
    as_lead: Client, version: PolicyVersion, django_assert_max_num_queries: Any
) -> None:
    dismissed(20)
    draft = PolicyDraft.objects.create(document=CAREFUL, author="lea")
    backtest = started(as_lead, draft=draft.pk)
    ended()
    with django_assert_max_num_queries(24):
        page(as_lead, backtest)
    with django_assert_max_num_queries(16):
        as_lead.get(reverse("backtests"))


def test_it_shows_a_time_in_which_nothing_was_decided(as_lead: Client, version: PolicyVersion) -> None:
    backtest = started(as_lead, version=version.pk)
    ended()
    body = page(as_lead, backtest)
    assert "has decided nothing in these days" in body and "Nothing changes." in body


def test_it_cancels_once(as_lead: Client, version: PolicyVersion) -> None:
    backtest = started(as_lead, version=version.pk)
    address = reverse("backtest_cancel", args=[backtest.pk])
    assert "The backtest is cancelled." in as_lead.post(address, follow=True).text
    assert "ended already" in as_lead.post(address, follow=True).text
    assert as_lead.post(reverse("backtest_cancel", args=[999])).status_code == 404
