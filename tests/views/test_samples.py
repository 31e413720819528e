"""Blind review: everything about the source, nothing of the decision, and the truth only after the opinion."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from investigations.choices import Role, Status
from investigations.models import Actor, Investigation, RuleBrake, SampleReview, User
from investigations.services import automation
from investigations.services import investigations as workflow
from tests.playbooks.makers import RULE, dismissed

pytestmark = pytest.mark.django_db
LEA = Actor("lea")


def words(response: Any) -> str:
    return " ".join(response.text.partition("<main")[2].split())


def draw(count: int = 1) -> list[SampleReview]:
    automation.configure({"new_rule_percent": 100}, actor=LEA)
    dismissed(count)
    return list(SampleReview.objects.order_by("drawn", "pk"))


@pytest.fixture
def sample(add_evidence: Any, add_alert: Any) -> SampleReview:
    """One with an alert and an answer, beside what the machine decided."""
    drawn = draw()[0]
    row = drawn.investigation
    add_evidence(row, "greynoise", verdict="benign", summary="seen by 214 sensors", facts={"country": "NL"})
    add_alert(row, signature="ET SCAN Zmap")
    drawn.decision.reasons = [{"text": "The machine's own reason", "kind": "rule"}]
    drawn.decision.flip = "Would be escalated if GreyNoise were silent"
    drawn.decision.save()
    return drawn


def address(sample: SampleReview, name: str = "sample_detail") -> str:
    return reverse(name, args=[sample.pk])


def give(client: Client, sample: SampleReview, opinion: str, comment: str = "") -> Any:
    return client.post(address(sample, "sample_review"), {"opinion": opinion, "comment": comment}, follow=True)


def test_it_shows_everything_about_the_source(as_analyst: Client, sample: SampleReview) -> None:
    page = words(as_analyst.get(address(sample)))
    for shown in (sample.investigation.subject, "seen by 214 sensors", "ET SCAN Zmap", "NL", "GreyNoise"):
        assert shown in page, shown


def test_it_hides_what_the_machine_decided(as_analyst: Client, sample: SampleReview) -> None:
    page = words(as_analyst.get(address(sample)))
    row = sample.investigation
    hidden = [RULE, "Dismissed", "machine's own reason", "Would be escalated", row.headline, "known scanner",
              row.get_absolute_url(), "/replay/", "/evidence.json", "internet noise", "policy"]  # fmt: skip
    assert row.headline
    for word in hidden:
        assert word not in page, word


def test_it_hides_it_in_the_list_as_well(as_analyst: Client, sample: SampleReview) -> None:
    page = words(as_analyst.get(reverse("samples")))
    assert sample.investigation.subject in page and "1 dismissal waits for your opinion" in page
    assert RULE not in page and sample.investigation.headline not in page
    assert sample.investigation.get_absolute_url() not in page


def test_it_does_not_tell_on_the_page_of_the_investigation(as_analyst: Client, sample: SampleReview) -> None:
    page = words(as_analyst.get(sample.investigation.get_absolute_url()))
    assert "/samples/" not in page and "sample" not in page.lower()


def test_it_pages_through_the_alerts_without_leaving(as_analyst: Client, sample: SampleReview, add_alert: Any) -> None:
    for minutes in range(52):
        add_alert(sample.investigation, minutes=minutes)
    page = words(as_analyst.get(address(sample)))
    assert f'href="{address(sample)}?alerts=' in page
    assert "not valid any more" in words(as_analyst.get(address(sample), {"alerts": "forged"}))


def test_it_counts_what_waits_in_the_rail(as_analyst: Client, sample: SampleReview, viewer: User) -> None:
    assert '1<span class="unseen"> to review</span>' in as_analyst.get("/").text
    as_analyst.force_login(viewer)
    assert 'href="/samples/"' not in as_analyst.get("/").text


def test_it_reveals_the_decision_after_the_opinion_and_goes_on(as_analyst: Client) -> None:
    first, second = draw(2)
    response = give(as_analyst, first, "dismiss", "fine")
    assert response.redirect_chain == [(f"{address(second)}?before={first.pk}", 302)]
    page = words(response)
    assert "you said about" in page and RULE in page and "You agree." in page
    assert second.investigation.subject in page
    first.refresh_from_db()
    assert (first.opinion, first.comment) == ("dismiss", "fine")

    last = give(as_analyst, second, "unsure")
    assert last.redirect_chain == [(f"{reverse('samples')}?before={second.pk}", 302)]
    assert "neither as right nor as wrong" in words(last) and "Nothing waits for your opinion" in words(last)


def test_it_says_what_a_miss_does(as_analyst: Client, sample: SampleReview) -> None:
    page = words(give(as_analyst, sample, "escalate", "<i>it</i> logged in"))
    assert "A miss." in page and "the rule is tripped" in page
    assert "&lt;i&gt;it&lt;/i&gt; logged in" in page
    assert RuleBrake.objects.get(rule=RULE).tripped
    assert Investigation.objects.get().status == Status.NEEDS_REVIEW


def test_it_shows_a_reviewed_one_with_the_decision(as_analyst: Client, sample: SampleReview, lead: User) -> None:
    give(as_analyst, sample, "dismiss")
    as_analyst.force_login(lead)
    page = words(as_analyst.get(address(sample)))
    assert "anna said" in page and RULE in page and "The machine&#x27;s own reason" in page
    assert "/review/" not in page


def test_it_takes_one_opinion_only(as_analyst: Client, sample: SampleReview, lead: User) -> None:
    give(as_analyst, sample, "dismiss")
    as_analyst.force_login(lead)
    assert "Somebody else has reviewed it already" in words(give(as_analyst, sample, "escalate"))
    sample.refresh_from_db()
    assert sample.opinion == "dismiss"


def test_it_reveals_nothing_of_one_that_waits(as_analyst: Client) -> None:
    first, second = draw(2)
    for number in (second.pk, "x", "9" * 30):
        page = words(as_analyst.get(address(first), {"before": number}))
        assert RULE not in page and "you said about" not in page


@pytest.mark.parametrize("data", [{}, {"opinion": "maybe"}, {"opinion": "dismiss", "comment": "x" * 5001}])
def test_it_refuses_an_opinion_that_is_none(as_analyst: Client, sample: SampleReview, data: dict[str, str]) -> None:
    response = as_analyst.post(address(sample, "sample_review"), data)
    assert response.status_code == 200 and "errorlist" in response.text and RULE not in words(response)
    assert SampleReview.objects.get().reviewed is None


def test_it_asks_nobody_who_decided_on_it(as_analyst: Client, sample: SampleReview, actor: Actor) -> None:
    workflow.reopen(sample.investigation, comment="a closer look", actor=actor)
    response = as_analyst.get(address(sample))
    assert response.status_code == 403 and "Somebody else has to review this one" in response.text
    assert "You have decided on this investigation yourself" in words(give(as_analyst, sample, "dismiss"))
    assert SampleReview.objects.get().reviewed is None
    page = words(as_analyst.get(reverse("samples")))
    assert "Nothing waits for your opinion" in page and "1 dismissal more for somebody else" in page


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUDITOR])
def test_it_is_not_for_those_who_only_read(client: Client, make_user: Any, sample: SampleReview, role: Role) -> None:
    client.force_login(make_user("somebody", role))
    assert client.get(reverse("samples")).status_code == 403
    assert client.get(address(sample)).status_code == 403
    assert client.post(address(sample, "sample_review"), {"opinion": "dismiss"}).status_code == 403


def test_it_knows_nothing_of_other_numbers(as_analyst: Client) -> None:
    assert as_analyst.get("/samples/999999/").status_code == 404
