from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from investigations.providers import fields

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


def test_it_makes_one_printable_line_of_text() -> None:
    assert fields.as_text("  Mirai\x00\x1b[31m \r\n botnet\u202e\ud800 ") == "Mirai [31m botnet"
    assert fields.as_text("x" * 10_000, 50) == "x" * 50
    assert fields.as_text(["x"]) == fields.as_text(None) == fields.as_text(7) == ""


def test_it_reads_numbers_however_written() -> None:
    assert [fields.as_int(value) for value in (7, "7", " 7 ", 7.9, "7.9", "+7")] == [7] * 6
    assert [fields.as_int(value) for value in (None, True, "", "seven", "٧", "1e9", [], {}, float("nan"))] == [None] * 9


def test_it_clamps_numbers() -> None:
    assert fields.as_int(10**400) is None
    assert fields.as_int(10**30) == fields.MAX_NUMBER
    assert fields.as_int(-5) == 0
    assert fields.as_int(250, high=100) == 100
    assert fields.as_int(float("inf")) is None


def test_it_reads_truth_however_written() -> None:
    assert [fields.as_bool(value) for value in (True, 1, "true", "1", "TRUE")] == [True] * 5
    assert [fields.as_bool(value) for value in (False, 0, "false", "0")] == [False] * 4
    assert [fields.as_bool(value) for value in (None, "", "Premium required.", 2, [], {})] == [None] * 6


def test_it_reads_lists_and_bare_texts() -> None:
    assert fields.as_texts(["a", "a", "", None, 3, "b"]) == ["a", "b"]
    assert fields.as_texts("a") == ["a"]
    assert fields.as_texts({"a": 1}) == []
    assert len(fields.as_texts([str(number) for number in range(1000)])) == fields.MAX_ITEMS


def test_it_reads_numbers_of_autonomous_systems() -> None:
    assert fields.as_asn("AS64496") == fields.as_asn(64496) == fields.as_asn("64496") == 64496
    assert fields.as_asn(4_200_000_000) == 4_200_000_000
    assert fields.as_asn(0) is fields.as_asn("AS") is fields.as_asn(2**40) is fields.as_asn(None) is None


def test_it_reads_days() -> None:
    assert fields.as_date("2025-11-04T09:12:31+00:00") == fields.as_date(1762250000) == "2025-11-04"
    assert fields.as_date("yesterday") == fields.as_date(None) == fields.as_date("") == ""


def test_it_leaves_out_facts_that_say_nothing() -> None:
    assert fields.present(a=None, b="", c=[], d=False, e=0, f="x") == {"d": False, "e": 0, "f": "x"}


@given(JSON)
def test_it_reads_anything_without_an_error(value: object) -> None:
    read = [
        fields.as_text(value),
        fields.as_int(value),
        fields.as_bool(value),
        fields.as_texts(value),
        fields.as_asn(value),
        fields.as_date(value),
    ]

    json.dumps(read, allow_nan=False).encode()
    assert fields.as_text(value).isprintable()
    fields.as_text(value).encode()
