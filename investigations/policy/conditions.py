"""Conditions in CEL: compiled, and refused if they name anything but the facts and the plain operators.

Comprehensions and regular expressions are left out of the language on purpose: every condition then ends at once,
whatever an attacker has put into a fact.
"""

from __future__ import annotations

import re
from typing import Any

import cel

from investigations.policy.facts import FACTS
from investigations.policy.places import Place

MAX_CONDITION = 1000  # characters

FUNCTIONS = frozenset(
    {"_&&_", "_||_", "!_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in", "_?_:_", "_+_", "_-_", "-_"}
    | {"size", "startsWith", "endsWith", "contains"}
)

_AT = re.compile(r"<input>:(\d+):(\d+)")
_STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
_COMPREHENSION = re.compile(r"\.\s*(all|exists|exists_one|map|filter|transform\w*)\s*\(")


class ConditionError(ValueError):
    """A condition that cannot be used, or that failed on the facts; the message is shown to people.

    `place` is within the condition; 0 where it is not known.
    """

    def __init__(self, message: str, place: Place = Place()) -> None:  # noqa: B008
        super().__init__(message)
        self.place = place


def compile_condition(text: str) -> cel.Program:
    """The compiled condition; raise ConditionError if it could ever fail on a name, or run long."""
    if len(text) > MAX_CONDITION:
        raise ConditionError(f"the condition is longer than {MAX_CONDITION:,} characters")
    if found := _COMPREHENSION.search(text):
        raise ConditionError(f"the condition uses {found[1]}(), which is not allowed", _place_at(text, found.start(1)))
    try:
        program = cel.compile(text)
    except ValueError as error:
        raise ConditionError(f"the condition is not CEL: {_first_line(error)}", _place_of(error)) from None
    _check_names(program, text)
    holds(program, dict(FACTS))  # a condition of the wrong type fails here, not at night
    return program


def holds(program: cel.Program, facts: dict[str, Any]) -> bool:
    """Whether the condition is true; raise ConditionError if it cannot be evaluated or is no yes or no."""
    try:
        result = program.execute(facts)
    except Exception as error:  # the evaluator raises what it likes; a rule must never take the decision down with it
        raise ConditionError(f"the condition cannot be evaluated: {_first_line(error)}") from None
    if not isinstance(result, bool):
        raise ConditionError("the condition must be true or false")
    return result


def conjuncts(text: str) -> list[str]:
    """The parts that `&&` joins at the top; the whole if an `||` or a choice joins them."""
    masked = _STRING.sub(lambda found: " " * len(found[0]), text)
    depth, parts, start = 0, [], 0
    for at, char in enumerate(masked):
        depth += (char in "([{") - (char in ")]}")
        if depth == 0 and (masked.startswith("||", at) or char == "?"):
            return [text]
        if depth == 0 and masked.startswith("&&", at):
            parts.append(text[start:at])
            start = at + 2
    return [*parts, text[start:]]


def _check_names(program: cel.Program, text: str) -> None:
    unknown = [name for name in program.variables() if name not in FACTS]
    if unknown:
        place = _place_of_word(text, unknown[0])
        raise ConditionError(f"unknown fact {', '.join(map(repr, unknown))} in the condition", place)
    functions = [name for name in program.functions() if name not in FUNCTIONS]
    if functions:
        message = f"function {', '.join(map(repr, functions))} is not allowed in a condition"
        raise ConditionError(message, _place_of_word(text, functions[0]))


def _place_of(error: Exception) -> Place:
    """Where the parser stopped, as its message says."""
    found = _AT.search(str(error))
    return Place(int(found[1]), int(found[2])) if found else Place()


def _place_of_word(text: str, word: str) -> Place:
    found = re.search(rf"(?<![\w.]){re.escape(word)}(?!\w)", text)
    return _place_at(text, found.start()) if found else Place()


def _place_at(text: str, offset: int) -> Place:
    before = text[:offset]
    return Place(before.count("\n") + 1, offset - before.rfind("\n"))


def _first_line(error: Exception) -> str:
    """The evaluator's message without its drawing of the place, at most 200 characters."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return text.partition("ERROR: ")[2][:200] or text.partition(". ")[0][:200]
