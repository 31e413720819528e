"""Where things stand in the text of a policy; TOML's own reader says what there is to find."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investigations.policy.document import default_policy, validate
from investigations.policy.places import Place, lines_of, of_toml_error, tables, tables_named, within

# Values that hold what looks like a table, a key or a comment, and is none
VALUES = [
    '"plain"',
    "'plain'",
    '"a # no comment"',
    '"[[rule]]"',
    r'"a \" quote and a \\"',
    "'a \\'",
    '""',
    "3",
    "true",
    '"""one line"""',
    '"""\n[[rule]]\nname = "inside"\n"""',
    "'''\n[[rule]]\nname = 'inside'\n# no comment\n'''",
    '"""two "" quotes, then the end"""""',
    '"""an escaped \\""" goes on\n[[rule]]\n"""',
    "'''a \\\n[signals]'''",
    '"""a line \\\n   goes on"""',
    '["one", "two"]',
    '[\n  "one", # "two\n  "three",\n]',
    '[\n["rule"]\n]',
    '[\n  { facts = { a = "}" } },\n  [[1], [2]],\n]',
    '{ a = "]", b = [1, 2] }',
    '"x" # [[rule]] """',
    '"\u2028 \x85 is no line break"',
]
HEADERS = ["[[rule]]", "[[ rule ]]", '[["rule"]]', "[['rule']] # and why", "[[example]]", "\t[[rule]]  "]
BETWEEN = ["", "# [[rule]]", "  # name = 3", "\n\n"]


@dataclass
class Written:
    """A document as it grows, and where its parts have to be found."""

    text: str = ""
    tables: list[tuple[str, int]] = field(default_factory=lambda: [("", 0)])
    keys: list[dict[str, Place]] = field(default_factory=lambda: [{}])

    def line(self) -> int:
        return self.text.count("\n") + 1

    def header(self, text: str) -> None:
        self.tables.append((text.strip("[]'\" \t").split("]")[0].strip("'\" "), self.line()))
        self.keys.append({})
        self.text += f"{text}\n"

    def pair(self, key: str, equals: str, value: str) -> None:
        self.keys[-1][key.strip("\"'")] = Place(self.line(), len(key) + len(equals) + 1)
        self.text += f"{key}{equals}{value}\n"


@st.composite
def documents(draw: st.DrawFn) -> Written:
    written = Written()
    for number in range(draw(st.integers(0, 4))):
        if number:
            written.header(draw(st.sampled_from(HEADERS)))
        for key in draw(st.lists(st.sampled_from(["name", '"when"', "'reason'", "a-b_1"]), unique=True)):
            written.pair(key, draw(st.sampled_from([" = ", "=", "   =\t"])), draw(st.sampled_from(VALUES)))
            written.text += draw(st.sampled_from(["", *[f"{one}\n" for one in BETWEEN]]))
    return written


@settings(max_examples=500, deadline=None)
@given(documents(), st.booleans())
def test_it_finds_every_table_and_every_value_of_any_document(written: Written, windows: bool) -> None:
    text = written.text.replace("\n", "\r\n") if windows else written.text
    data = tomllib.loads(text)
    found = tables(text)

    assert [(table.name, table.line) for table in found] == written.tables
    assert [table.keys for table in found] == written.keys
    for name in ("rule", "example"):
        assert [table.keys.keys() for table in tables_named(text, name)] == [one.keys() for one in data.get(name, [])]


def test_it_finds_the_tables_of_the_policy_that_ships() -> None:
    policy = default_policy()
    lines = lines_of(policy.text)
    for rule, table in zip(policy.rules, tables_named(policy.text, "rule"), strict=True):
        assert (rule.line, rule.last) == (table.line, table.last)
        assert lines[rule.line - 1] == "[[rule]]" and lines[rule.last - 1].startswith("reason = ")
        assert lines[table.keys["name"].line - 1] == f'name = "{rule.name}"'
    assert len(tables_named(policy.text, "example")) == len(policy.examples)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[signals]\n", "signals"),
        ("[ signals . owners ]\n", "signals.owners"),
        ("[signals.'owners']\n", "signals.owners"),
        ('["signals"."owners"] # of them\n', "signals.owners"),
    ],
)
def test_it_reads_the_name_of_a_table_however_it_is_written(text: str, name: str) -> None:
    assert [table.name for table in tables(text)] == ["", name]


RULE = 'name = "ours"\n[[rule]]\nname = "bad"\nwhen = {}\noutcome = "escalated"\nreason = "r"\n'


@pytest.mark.parametrize(
    ("when", "line", "column"),
    [
        ("'evil'", 4, 9),
        ("'tor == \"no\" && evil'", 4, 24),
        ("'''evil'''", 4, 11),
        ("'''tor == \"no\"\n  && evil'''", 5, 6),
        ("'''\nevil'''", 5, 1),
        ('"""\n\n   evil"""', 6, 4),
        ("'''   \n  evil'''", 5, 3),
    ],
)
def test_it_leads_to_the_word_in_a_condition(when: str, line: int, column: int) -> None:
    text = RULE.format(when)
    (problem,) = validate(text)
    assert problem.message == "unknown fact 'evil' in the condition"
    assert text.split("\n")[problem.line - 1][problem.column - 1 :].startswith("evil")
    assert (problem.line, problem.column) == (line, column)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ('reason = "r"', 'reason = "{evil}"', 'reason = "{evil}"'),
        ('outcome = "escalated"', 'outcome   =   "gone"', '"gone"'),
        ('name = "bad"', 'name = "Bad One"', '"Bad One"'),
        ('reason = "r"', 'reason = "r"\nmode = "sleep"', '"sleep"'),
        ('reason = "r"', "", "[[rule]]"),
    ],
)
def test_it_leads_to_the_value_that_is_wrong(old: str, new: str, found: str) -> None:
    text = RULE.format("'tor == \"no\"'").replace(old, new)
    (problem,) = validate(text)
    assert found.endswith(text.split("\n")[problem.line - 1][problem.column - 1 :])


@pytest.mark.parametrize(
    ("table", "line", "column"),
    [
        ("[signals]\nmalicious_quorum = 0\n", 3, 20),
        ("[signals]\nother = 0\n", 3, 9),
        ("[signals.owners]\nnobody = 3\n", 2, 1),
        ("signals = { malicious_quorum = 0 }\n", 2, 11),
    ],
)
def test_it_leads_to_what_is_wrong_in_the_signals(table: str, line: int, column: int) -> None:
    head, rule = RULE.format("'tor == \"no\"'").split("\n", 1)
    (problem,) = validate(f"{head}\n{table}{rule}")
    assert (problem.line, problem.column) == (line, column)


@pytest.mark.parametrize(
    "text", ["x = ", "x = 1\ny = [\n", 'x = "', "x = 1\n[[rule]\n", "x = 1\r\ny = =\r\n", "a\x0b = 1"]
)
def test_it_knows_where_the_reader_of_toml_stopped(text: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    place = of_toml_error(str(caught.value), text)
    lines = text.split("\n")
    assert 1 <= place.line <= len(lines) and 1 <= place.column <= len(lines[place.line - 1]) + 1


def test_it_says_nothing_where_the_reader_says_nothing() -> None:
    assert of_toml_error("something else", "x") == Place()


def test_it_stays_with_the_value_where_there_is_no_such_place() -> None:
    assert within("x = 'a'\n", Place(9, 5), Place(1, 1)) == Place(9, 5)
    assert within("x = 'a'\n", Place(), Place(1, 1)) == Place()


def test_it_is_quick_on_a_text_that_is_made_to_be_slow() -> None:
    for part in ("[", '"', "'", '"""', "'''", "\\", " ", "[[ ", "a = [", '"\\', "'' "):
        for text in (part * (64_000 // len(part)), "\n".join([part * 100] * (640 // len(part)))):
            assert tables(text)[0].name == ""
