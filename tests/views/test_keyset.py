"""Pages by position: complete, without repetition, and deaf to forged cursors."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from investigations.models import AuditEvent, Investigation
from investigations.queries.keyset import COUNT_CAP, InvalidCursor, capped_count, page_of
from investigations.queries.queue import KEYS


def walk(rows, direction="older", cursor="", size=4):
    while True:
        page = page_of(rows, KEYS, cursor, size)
        yield page
        cursor = getattr(page, direction)
        if not cursor:
            return


@pytest.fixture
def eleven(make_investigation):
    same = now()
    return [
        make_investigation(activity=same - timedelta(minutes=number // 3), severity=severity)
        for number, severity in enumerate(
            ["low", "high", "low", "critical", "low", "low", "high", "low", "low", "low", "low"]
        )
    ]


def test_it_walks_every_row_once_in_the_order_of_the_queue(eleven):
    seen = [row.pk for page in walk(Investigation.objects.all()) for row in page.rows]
    assert seen == list(Investigation.objects.order_by("-priority", "-activity", "-id").values_list("pk", flat=True))
    assert len(seen) == 11


def test_it_walks_back_over_the_same_pages(eleven):
    pages = list(walk(Investigation.objects.all()))
    last = pages[-1]
    back = list(walk(Investigation.objects.all(), "newer", last.newer))
    assert [row.pk for row in back[0].rows] == [row.pk for row in pages[-2].rows]
    assert [row.pk for row in back[-1].rows] == [row.pk for row in pages[0].rows]
    assert not back[-1].newer


def test_it_loses_no_row_when_others_arrive_above(eleven, make_investigation):
    first = page_of(Investigation.objects.all(), KEYS, "", 4)
    make_investigation(severity="critical", status="escalated")
    second = page_of(Investigation.objects.all(), KEYS, first.older, 4)
    assert not {row.pk for row in first.rows} & {row.pk for row in second.rows}
    assert len(second.rows) == 4


def test_it_compares_all_keys_at_once_so_that_the_index_serves(eleven):
    page = page_of(Investigation.objects.all(), KEYS, "", 4)
    with CaptureQueriesContext(connection) as queries:
        page_of(Investigation.objects.all(), KEYS, page.older, 4)
    sql = queries[0]["sql"]
    assert ") < (" in sql and "OFFSET" not in sql


@pytest.mark.parametrize("cursor", ["x", "eyJ:forged:x", "\x00", "a" * 5000, "[]"])
def test_it_refuses_a_cursor_it_did_not_make(db, cursor):
    with pytest.raises(InvalidCursor):
        page_of(Investigation.objects.all(), KEYS, cursor, 4)


def test_it_refuses_a_cursor_of_another_list(eleven):
    page = page_of(Investigation.objects.all(), KEYS, "", 4)
    with pytest.raises(InvalidCursor):
        page_of(AuditEvent.objects.all(), ("id",), page.older, 4)


def test_it_counts_no_further_than_the_cap(eleven, monkeypatch):
    assert capped_count(Investigation.objects.all()) == 11
    monkeypatch.setattr("investigations.queries.keyset.COUNT_CAP", 5)
    assert capped_count(Investigation.objects.all()) == 6
    assert COUNT_CAP == 1000
