"""The change of one rule's mode in the text of a policy, which leaves every other byte as it was."""

from __future__ import annotations

import tomllib
from difflib import SequenceMatcher
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investigations.choices import Mode
from investigations.policy.document import default_policy, parse_policy
from investigations.policy.edit import with_mode

NAMES = [rule.name for rule in default_policy().rules]
ACT, PROPOSE = Mode.ACT, Mode.PROPOSE

# Texts that look like something else to whoever reads line by line
tricky = st.sampled_from(
    [
        "[[rule]]",
        'mode = "propose"',
        "'''",
        '"""',
        '\\"',
        "# no comment",
        "\u2028mode = 'act'",
        "\x85",
        "a = 1",
        "]]",
        "\\",
    ]
)
words = st.lists(
    tricky | st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=8), max_size=4
)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@st.composite
def values(draw: st.DrawFn) -> str:
    """A text of TOML in one of its four notations."""
    text = "\n".join(draw(words))
    kind = draw(st.integers(0, 3))
    if kind == 0 and "'" not in text and "\n" not in text:
        return f"'{text}'"
    if kind == 1 and "'''" not in text and not text.endswith("'"):
        return f"'''{text}'''"
    if kind == 2:
        return '"""\n' + text.replace("\\", "\\\\").replace('"', '\\"') + '"""'
    return quoted(text.replace("\n", " "))


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A document of some rules, with comments and empty lines anywhere; and the rules' names."""
    end = draw(st.sampled_from(["\n", "\r\n"]))
    names = [f"rule-{number}" for number in range(draw(st.integers(1, 4)))]
    lines = ['name = "x"  # [[rule]]']
    for name in names:
        keys = [f"name = {draw(st.sampled_from([quoted(name), repr(name)]))}{draw(st.sampled_from(['', '  # why']))}"]
        keys += [f"reason = {draw(values())}", f"other = {draw(values())}"]
        keys += draw(st.lists(st.sampled_from(["", "# mode = 'propose'", "  # [[rule]]"]), max_size=2))
        if mode := draw(st.sampled_from(["", "act", "propose"])):
            keys.append(draw(st.sampled_from(['mode = "{}"', "  mode='{}' # so far"])).format(mode))
        lines += [
            draw(st.sampled_from(["[[rule]]", "[[ rule ]]  # a rule", '[["rule"]]'])),
            *draw(st.permutations(keys)),
        ]
    lines += ["[[example]]", 'name = "rule-0"'] if draw(st.booleans()) else []
    text = "\n".join(lines).replace("\n", end)
    return text + draw(st.sampled_from(["", end])), names


def rules_of(text: str) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = tomllib.loads(text)["rule"]
    return rules


@settings(max_examples=400, deadline=None)
@given(documents(), st.data())
def test_it_changes_the_mode_of_one_rule_and_nothing_else(given: tuple[str, list[str]], data: st.DataObject) -> None:
    text, names = given
    name, mode = data.draw(st.sampled_from(names)), data.draw(st.sampled_from(list(Mode)))
    changed = with_mode(text, name, mode)
    before, after = rules_of(text), rules_of(changed)
    assert [rule.get("mode", "act") for rule in after] == [
        mode if rule["name"] == name else rule.get("mode", "act") for rule in before
    ]
    for rule in (*before, *after):
        rule.pop("mode", None)
    assert before == after
    # One line at most was added, removed or replaced, whatever its end
    old, new = text.replace("\r\n", "\n").split("\n"), changed.replace("\r\n", "\n").split("\n")
    differences = [one for one in SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if one[0] != "equal"]
    assert len(differences) <= 1
    assert all(end - start <= 1 and to - begin <= 1 for _, start, end, begin, to in differences)


@pytest.mark.parametrize("name", NAMES)
def test_it_takes_back_what_it_has_changed(name: str) -> None:
    text = default_policy().text
    changed = with_mode(text, name, PROPOSE)
    assert [rule.name for rule in parse_policy(changed).rules if rule.proposes] == [name]
    assert changed.replace('mode = "propose"\n', "", 1) == text
    assert with_mode(changed, name, ACT) == text


def test_it_leaves_a_text_that_says_so_already() -> None:
    text = '[[rule]]\nname = "a"\nmode = "act"\n'
    assert with_mode(text, "a", ACT) == text


def test_it_works_on_the_last_line_and_with_any_line_end() -> None:
    assert with_mode('[[rule]]\nname = "a"', "a", PROPOSE) == '[[rule]]\nname = "a"\nmode = "propose"'
    assert with_mode('[[rule]]\r\nname = "a"\r\n', "a", PROPOSE) == '[[rule]]\r\nname = "a"\r\nmode = "propose"\r\n'


def test_it_refuses_a_rule_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="there is no rule nobody"):
        with_mode(default_policy().text, "nobody", PROPOSE)


@pytest.mark.parametrize(
    "text",
    [
        'rule = [{ name = "a" }]',
        '[[rule]]\nname = "a"\nmode = """\nact"""\n',
        '[[rule]]\n"na\\u006De" = "a"\n',
        'rule = [\n  { name = "a", reason = "x" },\n]',
    ],
)
def test_it_refuses_what_it_could_only_break(text: str) -> None:
    with pytest.raises(ValueError, match="edit the text"):
        with_mode(text, "a", PROPOSE)


def test_it_keeps_what_stands_behind_a_mode_that_it_changes() -> None:
    text = '[[rule]]\nname = "a"\n  mode = \'act\' # since May\nwhen = "x"\n'
    assert with_mode(text, "a", PROPOSE) == text.replace("'act'", '"propose"')


def test_it_leaves_no_half_line_break_at_the_end() -> None:
    assert with_mode('[[rule]]\r\nname = "a"', "a", PROPOSE) == '[[rule]]\r\nname = "a"\r\nmode = "propose"'
    assert with_mode('[[rule]]\r\nname = "a"\r\nmode = "propose"', "a", ACT) == '[[rule]]\r\nname = "a"\r\n'
