"""How values are shown: the filters and tags of every template."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template
from django.utils import timezone
from django.utils.timezone import now

from investigations.templatetags import investigations as tags


@pytest.mark.parametrize(
    "text, shown",
    [
        ("plain text", "plain text"),
        ("evil\u202egnp.exe", "evil⟨U+202E⟩gnp.exe"),
        ("zero\u200bwidth", "zero⟨U+200B⟩width"),
        ("\x1b]0;title\x07", "⟨U+001B⟩]0;title⟨U+0007⟩"),
        ("two\nlines", "two⟨U+000A⟩lines"),
        ("\ufeffmark \u2066isolate\u2069", "⟨U+FEFF⟩mark ⟨U+2066⟩isolate⟨U+2069⟩"),
        ("tag\U000e0041", "tag⟨U+E0041⟩"),
        ("naïve 東京 🙂", "naïve 東京 🙂"),
        (None, "None"),
    ],
)
def test_it_makes_hidden_characters_visible(text, shown):
    assert tags.visible(text) == shown


def test_it_keeps_the_lines_of_a_text(text="a\r\nb\tc\x00"):
    assert tags.visible_lines(text) == "a\nb\tc⟨U+0000⟩"


@pytest.mark.parametrize("name", ["visible", "visible_lines", "defang", "clock", "since", "moment"])
def test_it_leaves_escaping_to_the_template(name):
    value = now() if name in ("clock", "since", "moment") else "<b>&"
    rendered = Template(f"{{{{ value|{name} }}}}").render(Context({"value": value}))
    assert "<b>" not in rendered


def test_it_shows_domains_defanged_and_in_both_scripts():
    shown = tags.artifact("xn--mnchen-3ya.example", "domain-name")
    assert "xn--mnchen-3ya[.]example" in shown and "münchen[.]example" in shown
    assert tags.artifact("203.0.113.7", "ipv4-addr") == '<code class="artifact">203.0.113.7</code>'
    assert "<script>" not in tags.artifact("<script>.example", "domain-name")


@pytest.mark.parametrize("name", ["xn--", "xn--a", "xn--999999999.example"])
def test_it_survives_punycode_that_cannot_be_read(name):
    assert name.replace(".", "[.]") in tags.artifact(name, "domain-name")


@pytest.mark.parametrize(
    "seconds, words",
    [(0, "now"), (59, "now"), (60, "1 min"), (3599, "59 min"), (7200, "2 h"), (90_000, "1 d"), (-900, "in the future")],
)
def test_it_says_how_old_something_is(seconds, words):
    assert tags.age(now() - timedelta(seconds=seconds)) == words


def test_it_gives_local_time_with_its_zone_and_utc_to_machines():
    with timezone.override("Europe/Berlin"):
        shown = tags.since(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert 'datetime="2026-01-02T03:04:05Z"' in shown
    assert 'title="2 Jan 2026 04:04:05 CET"' in shown


@pytest.mark.parametrize("count, shown", [(0, "0"), (284, "284"), (1000, "1,000"), (1001, "1,000+")])
def test_it_says_when_a_count_was_cut_off(count, shown):
    assert tags.capped(count) == shown


@pytest.mark.parametrize("link", ["https://a.example/x", "http://a.example"])
def test_it_takes_web_links_for_links(link):
    assert tags.is_outside_link(link)


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "//a.example", "https://", "https://a\u200b.example", "http://[", ""]
)
def test_it_takes_nothing_else_for_a_link(link):
    assert not tags.is_outside_link(link)


def test_it_never_tells_verdicts_by_colour_alone():
    shown = tags.verdict("suspicious")
    assert "icons.svg#suspicious" in shown and ">Suspicious</span>" in shown
    assert 'aria-label="GreyNoise: malicious"' in tags.shape("malicious", "GreyNoise: malicious")
