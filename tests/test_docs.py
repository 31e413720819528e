"""The pages of docs/ tell of everything there is: settings, providers, facts, commands, words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from investigations import choices
from investigations.policy.facts import FACTS
from investigations.providers import PROVIDERS
from investigations.simulator.apis import APIS
from tests.test_architecture import COMMANDS, ROOT

DOCS = ROOT / "docs"
VARIABLE = re.compile(r"\b(?:RECONSOC_[A-Z_]+[A-Z]|DATABASE_URL|REDIS_URL)\b")
READ = re.compile(r"""(?:env_\w+|kept_secret|_networks|environ\.get)\(\s*["']([A-Z_]+)["']""")
# The nouns of the product; each stands in the glossary with its name elsewhere
NOUNS = (
    "Alert", "Artifact", "Provider", "Enrichment", "Verdict", "Investigation", "Status", "Decision", "Disposition",
    "Policy", "Playbook", "Timeline", "Audit event",
)  # fmt: skip


def page(name: str) -> str:
    return (DOCS / name).read_text()


def table(text: str) -> list[list[str]]:
    """The rows of every table of a page, without heads."""
    rows = [
        [cell.strip() for cell in line.strip("| ").split(" | ")] for line in text.splitlines() if line.startswith("|")
    ]
    return [row for row in rows if not set("".join(row)) <= set("|-: ")]


def read_variables() -> set[str]:
    rooms = [*(ROOT / "reconsoc").rglob("*.py"), *(ROOT / "investigations").rglob("*.py")]
    return {name for path in rooms for name in READ.findall(path.read_text())}


def test_it_documents_every_setting_and_no_other() -> None:
    documented = {name for row in table(page("settings.md")) for name in VARIABLE.findall(row[0])}

    assert {name for name in read_variables() if VARIABLE.fullmatch(name)} - documented == set()
    assert {name.removesuffix("_FILE") for name in documented} - read_variables() == set()


def test_it_says_default_and_effect_of_every_setting() -> None:
    for row in table(page("settings.md"))[1:]:
        if VARIABLE.search(row[0]):
            assert len(row) >= 3 and all(row), row


@pytest.mark.parametrize("name", PROVIDERS)
def test_it_has_a_section_for_every_provider(name: str) -> None:
    section = re.search(rf"^## [^\n]*\(`{name}`\)\n(.*?)(?=^## |\Z)", page("providers.md"), re.MULTILINE | re.DOTALL)

    assert section
    for word in ("Sends", "Brings", "Not found", "Limits", "Terms"):
        assert f"**{word}**" in section[1], word
    if PROVIDERS[name].needs_key:
        assert "**Key**" in section[1]


def test_it_knows_the_providers_that_are_simulated() -> None:
    assert set(APIS) <= set(PROVIDERS)


def test_it_explains_every_fact_of_a_policy() -> None:
    documented = re.findall(r"^\| `(\w+)` \|", page("policy.md").partition("## Facts")[2], re.MULTILINE)
    assert set(FACTS) - set(documented) == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_it_shows_every_command_with_an_example(command: str) -> None:
    rows = [row for row in table(page("commands.md")) if row[0] == f"`{command}`" or row[0].startswith(f"`{command} ")]

    assert rows
    assert all(row[1] and f"manage.py {command}" in row[2] for row in rows)


@pytest.mark.parametrize("command", COMMANDS)
def test_it_shows_no_option_that_a_command_does_not_have(command: str) -> None:
    parser = load_command_class(get_commands()[command], command).create_parser("manage.py", command)
    known = set(parser._option_string_actions)
    for action in parser._subparsers._group_actions if parser._subparsers else ():
        known |= {option for sub in action.choices.values() for option in sub._option_string_actions}  # type: ignore[union-attr]
    shown = re.findall(rf"manage\.py {command}( [^`\n]*)", page("commands.md"))

    assert {option for text in shown for option in re.findall(r"(?<=\s)--[a-z-]+", text)} <= known


@pytest.mark.parametrize("noun", NOUNS)
def test_it_defines_every_noun_with_its_names_elsewhere(noun: str) -> None:
    rows = [row for row in table(page("glossary.md")) if row[0].replace("*", "").startswith(noun)]

    assert len(rows) == 1
    assert all(rows[0]) and len(rows[0]) >= 5


@pytest.mark.parametrize(
    "words", [choices.Status, choices.Verdict, choices.Outcome, choices.Disposition, choices.Targeting, choices.Role]
)
def test_it_defines_every_stored_word(words: type) -> None:
    text = page("glossary.md")

    assert [word for word in words.values if f"`{word}`" not in text] == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", sorted([*DOCS.glob("*.md"), *ROOT.glob("*.md")]), ids=lambda path: path.name)
def test_it_has_no_dead_link(path: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", path.read_text())
    missing = [link for link in links if not link.startswith(("http", "mailto:")) and not (path.parent / link).exists()]

    assert missing == []
