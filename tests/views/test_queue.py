"""The queue: what stands in which tab, how it is narrowed, and what it costs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from tests.views.conftest import HOSTILE, part


def subjects(client, **query):
    response = client.get(reverse("queue"), query)
    assert response.status_code == 200
    return [row.investigation.subject for row in response.context["rows"]]


@pytest.fixture
def one_of_each(make_investigation, analyst):
    return {
        "review": make_investigation(subject="203.0.113.1", severity="low"),
        "escalated": make_investigation(subject="203.0.113.2", status="escalated", severity="high"),
        "confirmed": make_investigation(
            subject="203.0.113.3", status="escalated", closed=now(), disposition="true_positive"
        ),
        "dismissed": make_investigation(subject="203.0.113.4", status="dismissed"),
        "enriching": make_investigation(subject="203.0.113.5", status="enriching", headline=""),
        "mine": make_investigation(subject="203.0.113.6", assignee=analyst, severity="medium", verdict="suspicious"),
    }


@pytest.mark.parametrize(
    "tab, expected",
    [
        ("", ["203.0.113.2", "203.0.113.6", "203.0.113.1"]),
        ("needs_me", ["203.0.113.2", "203.0.113.6", "203.0.113.1"]),
        ("mine", ["203.0.113.6"]),
        ("enriching", ["203.0.113.5"]),
        ("escalated", ["203.0.113.3"]),
        ("dismissed", ["203.0.113.4"]),
    ],
)
def test_it_sorts_by_tab_the_most_urgent_first(as_analyst, one_of_each, tab, expected):
    assert subjects(as_analyst, tab=tab) == expected


def test_it_shows_everything_in_the_last_tab(as_analyst, one_of_each):
    assert len(subjects(as_analyst, tab="all")) == 6


@pytest.mark.parametrize(
    "query, expected",
    [
        ({"source": "203.0.113.2"}, ["203.0.113.2"]),
        ({"source": "203[.]0[.]113[.]0/30"}, ["203.0.113.2", "203.0.113.1"]),
        ({"source": "10.0.0.0/8"}, []),
        ({"q": "203.0.113.6"}, ["203.0.113.6"]),
        ({"q": "203.0.113.0/24"}, ["203.0.113.2", "203.0.113.6", "203.0.113.1"]),
        ({"q": "sentence"}, ["203.0.113.2", "203.0.113.6", "203.0.113.1"]),
        ({"q": "no such words"}, []),
        ({"verdict": "suspicious"}, ["203.0.113.6"]),
        ({"severity": "high"}, ["203.0.113.2"]),
        ({"assignee": "anna"}, ["203.0.113.6"]),
        ({"assignee": "nobody"}, []),
    ],
)
def test_it_narrows_by_what_the_url_says(as_analyst, one_of_each, query, expected):
    assert subjects(as_analyst, **query) == expected


def test_it_finds_an_investigation_by_its_number(as_analyst, one_of_each):
    number = one_of_each["dismissed"].pk
    assert subjects(as_analyst, tab="all", q=f"INV-{number}") == ["203.0.113.4"]
    assert subjects(as_analyst, tab="all", q="INV-999999999999999999") == []


def test_it_finds_ipv6_by_network(as_analyst, make_investigation):
    make_investigation(subject="2001:db8:7::99", kind="ipv6-addr", source="2001:db8:7::99")
    assert subjects(as_analyst, source="2001:db8:7::/48") == ["2001:db8:7::99"]
    assert subjects(as_analyst, source="2001:db8:8::/48") == []


@pytest.mark.parametrize(
    "query",
    [
        {"source": "not an address"}, {"source": "1.2.3.4/99"}, {"verdict": "nice"}, {"tab": "nowhere"},
        {"q": "x" * 300}, {"q": "a\x00b"}, {"cursor": "forged"}, {"cursor": "\x00"}, {"source": "::/0 or 1=1"},
    ],
)  # fmt: skip
def test_it_answers_nonsense_with_words_and_no_rows(as_analyst, one_of_each, query):
    response = as_analyst.get(reverse("queue"), query)
    assert response.status_code == 200
    assert response.context["rows"] == []
    assert response.context["problem"]


@pytest.mark.parametrize("selected", ["x", "-1", "99999999999999999999", "0", "²"])
def test_it_previews_the_first_row_when_the_selected_one_is_unknown(as_analyst, one_of_each, selected):
    response = as_analyst.get(reverse("queue"), {"selected": selected})
    assert response.context["selected"] == one_of_each["escalated"]


def test_it_tells_what_an_enriching_one_waits_for(as_analyst, make_investigation, add_evidence, add_alert):
    investigation = make_investigation(status="enriching", headline="")
    add_alert(investigation, signature="ET SCAN Something")
    for provider, outcome in [("greynoise", "ok"), ("dns", "not_found"), ("virustotal", "pending")]:
        add_evidence(investigation, provider, outcome=outcome)
    body = as_analyst.get(reverse("queue"), {"tab": "enriching"}).text
    assert "Being investigated: 2 of 3 answered – ET SCAN Something" in body


def test_it_shows_one_shape_for_each_provider(as_analyst, make_investigation, add_evidence):
    investigation = make_investigation()
    add_evidence(investigation, "greynoise")
    add_evidence(investigation, "spamhaus", verdict="unknown", outcome="not_found")
    add_evidence(investigation, "virustotal", verdict="unknown", outcome="timeout")
    body = as_analyst.get(reverse("queue")).text
    for words in ("GreyNoise: malicious", "Spamhaus: not found", "VirusTotal: no answer in time"):
        assert f'aria-label="{words}"' in body


def test_it_costs_the_same_for_ten_more_rows(as_analyst, make_investigation, add_evidence, add_alert, add_decision):
    def fill(number):
        for index in range(number):
            investigation = make_investigation(headline="" if index % 2 else "words")
            add_evidence(investigation)
            add_alert(investigation)
            add_decision(investigation)

    def cost():
        with CaptureQueriesContext(connection) as queries:
            as_analyst.get(reverse("queue"))
        return len(queries)

    fill(2)
    few = cost()
    fill(10)
    assert cost() == few


def test_it_pages_without_repetition(as_analyst, make_investigation):
    for _ in range(55):
        make_investigation()
    first = as_analyst.get(reverse("queue"))
    page = first.context["page"]
    assert len(page.rows) == 50 and page.older and not page.newer
    second = as_analyst.get(reverse("queue"), {"cursor": page.older})
    assert len(second.context["page"].rows) == 5 and second.context["page"].newer
    assert not {row.pk for row in page.rows} & {row.pk for row in second.context["page"].rows}


def test_it_answers_htmx_with_the_list_alone(as_analyst, one_of_each):
    body = as_analyst.get(reverse("queue"), headers=part("queue-list")).text
    assert 'id="queue-list"' in body and 'id="preview"' not in body and "<html" not in body


def test_it_answers_htmx_with_the_preview_alone(as_analyst, one_of_each):
    query = {"selected": one_of_each["mine"].pk}
    body = as_analyst.get(reverse("queue"), query, headers=part("preview")).text
    assert 'id="preview"' in body and 'id="queue-list"' not in body
    assert one_of_each["mine"].get_absolute_url() in body


def test_it_keeps_the_selection_when_the_list_renews_itself(as_analyst, one_of_each):
    number = one_of_each["mine"].pk
    body = as_analyst.get(reverse("queue"), {"selected": number}, headers=part("queue-list")).text
    assert body.count('aria-current="true"') == 1
    assert f'id="row-{number}"' in body.split('aria-current="true"')[0].rsplit("<a", 1)[1]
    # The address it asks again holds no old selection: the preview says which one it is
    assert 'hx-include="#preview [name=selected]"' in body
    assert "selected=" not in body.split('hx-get="')[1].split('"')[0]


def test_it_looks_again_soon_only_while_something_is_investigated(as_analyst, make_investigation):
    make_investigation()
    assert 'hx-trigger="every 20s"' in as_analyst.get(reverse("queue")).text
    make_investigation(status="enriching")
    assert 'hx-trigger="every 3s"' in as_analyst.get(reverse("queue")).text


def test_it_goes_on_to_the_next_one_after_a_decision(as_analyst, make_investigation):
    rows = [make_investigation(activity=now() - timedelta(minutes=number)) for number in range(3)]
    body = as_analyst.get(reverse("queue"), {"selected": rows[1].pk, "severity": "low"}).context["next_url"]
    assert body == f"{reverse('queue')}?severity=low&selected={rows[2].pk}"


def test_it_shows_hostile_text_as_text(as_analyst, make_investigation, analyst):
    make_investigation(headline=HOSTILE, place=HOSTILE[:100])
    body = as_analyst.get(reverse("queue"), {"q": "gnp"}).text
    assert "<script>alert" not in body and '<b hx-get="/users/">' not in body
    assert "⟨U+202E⟩gnp.exe⟨U+200B⟩" in body


@pytest.mark.parametrize("tab", ["needs_me", "mine", "enriching", "all"])
def test_it_says_so_when_a_tab_is_empty(as_analyst, tab):
    body = as_analyst.get(reverse("queue"), {"tab": tab}).text
    assert 'class="empty"' in body
