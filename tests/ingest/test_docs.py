"""docs/formats.md says what the parsers do."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from investigations.ingest import FORMATS, generic
from tests.ingest.conftest import read

PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()


@pytest.mark.parametrize("name", FORMATS)
def test_it_documents_every_format_with_an_example_that_is_accepted(name: str) -> None:
    examples = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
    assert f"`{name}`" in PAGE
    assert [read(example).time_guessed for example in examples if read(example).format == name] == [False]


def test_it_documents_every_generic_name_in_the_order_that_counts() -> None:
    rows = re.findall(r"^\| [^|]+ \| (`.*) \|$", PAGE.partition("## Generic JSON")[2], re.MULTILINE)
    documented = [re.findall(r"`([^`]+)`", row.partition(":")[0]) for row in rows]
    assert documented == [list(names) for names in generic.NAMES.values()]
