"""The house keeps its order: layers, sizes, doors that ask who is there, and words that are defined once."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from investigations import choices
from investigations.models import ProviderSettings
from investigations.providers import PROVIDERS

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [path for room in ("reconsoc", "investigations", "tests") for path in sorted((ROOT / room).rglob("*.py"))]
OWN = [path for path in SOURCES if "migrations" not in path.parts]
SHIPPED = [path for path in OWN if not path.is_relative_to(ROOT / "tests")]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
COMMANDS = sorted(path.stem for path in (ROOT / "investigations/management/commands").glob("[a-z]*.py"))
# What answers without a log-in: the log-in itself, probes, and the API, whose calls ask for a token
PUBLIC = {"account_login", "account_logout", "healthz", "readyz", "metrics", "theme"}
MAX_LINES = 400


def routes(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry, path)
        else:
            yield path, entry


def filled(path: str) -> str:
    return "/" + re.sub(r"<int:\w+>", "1", re.sub(r"<(?:str|slug|path):\w+>", "x", path))


PAGES = {
    path: route for path, route in routes(get_resolver()) if not path.startswith("api/") and route.name not in PUBLIC
}
CALLS = [path for path, _ in routes(get_resolver()) if path.startswith("api/")]
OPEN_CALLS = {"api/v1/openapi.json", "api/v1/<path:rest>", "api/v1/"}


def test_it_keeps_its_layers() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("path", OWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_it_has_files_that_can_be_read_at_once(path: Path) -> None:
    text = path.read_text()

    assert text.count("\n") < MAX_LINES
    assert not re.search(r"\b(?:TODO|FIXME|XXX)\b", text) or path == Path(__file__)
    if text and path.stem != "__init__" and path in SHIPPED:
        assert text.startswith('"""'), "says what it is for"


@pytest.mark.parametrize("path", [*SHIPPED, *TEMPLATES], ids=lambda path: str(path.relative_to(ROOT)))
def test_it_escapes_everything(path: Path) -> None:
    text = path.read_text()

    for way in (
        r"\|\s*safe\b",
        r"\bmark_safe\b",
        r"autoescape off",
        r"\|\s*safeseq\b",
        r"\bSafeString\b",
    ):
        assert not re.search(way, text), way


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_it_has_no_script_or_style_in_a_page(path: Path) -> None:
    text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", path.read_text())

    assert not re.search(
        r"""<[^>]*\s(?:style|on[a-z]+|hx-on[:\w-]*)\s*=|javascript:|<script(?![^>]*\ssrc=)[^>]*>""", text
    )


@pytest.mark.django_db
@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_it_asks_strangers_to_log_in(path: str, method: str) -> None:
    answer = Client().generic(method, filled(path))

    assert answer.status_code in (302, 405)
    if answer.status_code == 302:
        assert answer["Location"].startswith("/accounts/login/?next=")
    else:
        other = Client().generic({"GET": "POST", "POST": "GET"}[method], filled(path))
        assert other.status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("path", [path for path in CALLS if path not in OPEN_CALLS])
def test_it_asks_callers_for_a_token(path: str) -> None:
    answers = {method: Client().generic(method, filled(path)).status_code for method in ("GET", "POST")}

    assert set(answers.values()) <= {401, 405} and 401 in answers.values()


@pytest.mark.parametrize("command", COMMANDS)
def test_it_tests_every_command(command: str) -> None:
    tests = "\n".join(path.read_text() for path in SOURCES if path.is_relative_to(ROOT / "tests"))

    assert re.search(rf"""["']{command}["' ]""", tests), "no test runs it"


@pytest.mark.django_db
def test_it_knows_the_settings_of_every_provider_as_soon_as_there_are_tables() -> None:
    rows = {row.name: row for row in ProviderSettings.objects.all()}

    assert set(rows) == set(PROVIDERS)
    assert {name for name, row in rows.items() if row.enabled} == {
        name for name, provider in PROVIDERS.items() if not provider.needs_key
    }
    assert all(name == provider.name for name, provider in PROVIDERS.items())


WORDS = {
    frozenset(value.values) for value in vars(choices).values() if isinstance(value, type) and hasattr(value, "values")
}
FIELDS = [
    field
    for model in apps.get_app_config("investigations").get_models()
    for field in model._meta.fields
    if isinstance(field, models.CharField) and field.choices
]


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_it_stores_only_words_that_are_defined_in_one_place(field: models.CharField[str, str]) -> None:
    words = {str(value) for value, _ in field.flatchoices}

    assert any(words == {str(word) for word in defined} for defined in WORDS)
    assert field.max_length is not None and max(map(len, words)) <= field.max_length


@pytest.mark.parametrize(
    "name", ["status", "severity", "verdict", "targeting", "disposition", "outcome", "strength", "kind", "role"]
)
def test_it_has_no_status_word_without_its_list(name: str) -> None:
    for model in apps.get_app_config("investigations").get_models():
        for field in model._meta.fields:
            if field.name == name:
                assert field.choices, f"{model.__name__}.{name}"
