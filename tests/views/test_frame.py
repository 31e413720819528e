"""What every page carries, and what no template may hold."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils.timezone import now

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
FORBIDDEN = {
    "unescaped output": r"\|\s*safe\b|autoescape off|mark_safe",
    "inline style": r"<style|\sstyle\s*=",
    "inline script": r"<script(?![^>]*\bsrc=)|\son[a-z]+\s*=|javascript:",
    "htmx that evaluates": r"hx-on|hx-vals\s*=\s*[\"']js:|hx-trigger=\"[^\"]*\[",
    "a file from elsewhere": r"(?:src|href)=\"https?://",
}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
@pytest.mark.parametrize("what", FORBIDDEN)
def test_it_writes_no_template_with(template, what):
    text = template.read_text()
    if what != "unescaped output":
        text = re.sub(r"{%.*?%}|{{.*?}}", "", text)
    assert not re.search(FORBIDDEN[what], text)


def test_it_names_colours_in_one_file_alone():
    for sheet in (settings.BASE_DIR / "static" / "css").glob("*.css"):
        if sheet.name != "tokens.css":
            assert not re.search(r"#[0-9a-f]{3,8}\b|rgba?\(|hsl", sheet.read_text()), sheet.name


def test_it_draws_only_icons_that_exist():
    sprite = (settings.BASE_DIR / "static" / "icons.svg").read_text()
    names = {name for path in TEMPLATES for name in re.findall(r'{% icon "(\w+)"', path.read_text())}
    names |= {"malicious", "suspicious", "benign", "unknown", "silent", "waiting", "rule", "scan"}
    assert all(f'<symbol id="{name}"' in sprite for name in names)


def test_it_sends_a_strict_policy_with_every_page(as_analyst):
    policy = as_analyst.get(reverse("queue"))["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy


def test_it_tells_htmx_to_evaluate_nothing(as_analyst):
    body = as_analyst.get(reverse("queue")).text
    for setting in (
        '"allowEval": false',
        '"allowScriptTags": false',
        '"historyCacheSize": 0',
        '"selfRequestsOnly": true',
    ):
        assert setting in body


def test_it_has_one_live_region(as_analyst):
    assert as_analyst.get(reverse("queue")).text.count('role="status"') == 1


def test_it_says_who_is_logged_in_and_in_which_zone(as_analyst):
    as_analyst.cookies["tz"] = "Asia/Tokyo"
    body = as_analyst.get(reverse("queue")).text
    assert "<b>anna</b>" in body and "Analyst" in body and "Times in Asia/Tokyo" in body


@pytest.mark.parametrize("simulated", [True, False])
def test_it_labels_simulated_intelligence(as_analyst, settings, simulated):
    settings.SIMULATED = simulated
    assert ("Simulated intelligence" in as_analyst.get(reverse("queue")).text) is simulated


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_keeps_the_theme_in_a_cookie(as_analyst, theme):
    response = as_analyst.post(reverse("theme"), {"theme": theme, "next": "/submit/"})
    assert response["Location"] == "/submit/"
    assert f'<html lang="en" data-theme="{theme}">' in as_analyst.get(reverse("queue")).text


@pytest.mark.parametrize("theme", ["", "pink", '"><script>'])
def test_it_follows_the_system_for_any_other_theme(as_analyst, theme):
    as_analyst.post(reverse("theme"), {"theme": "dark"})
    as_analyst.post(reverse("theme"), {"theme": theme})
    assert '<html lang="en">' in as_analyst.get(reverse("queue")).text


def test_it_warns_when_no_worker_takes_up_the_work(as_analyst, make_investigation):
    assert "is a worker running?" not in as_analyst.get(reverse("queue")).text
    make_investigation(status="enriching", due=now() - timedelta(minutes=5))
    assert "is a worker running?" in as_analyst.get(reverse("queue")).text


def test_it_counts_what_the_automation_decided_today(as_analyst, make_investigation, add_decision):
    add_decision(make_investigation())
    add_decision(make_investigation(), automatic=False)
    assert "1 decided automatically today" in as_analyst.get(reverse("queue")).text
