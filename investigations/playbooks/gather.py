"""What we know ourselves about cases that are about to be judged: scans, our lists, what people decided before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from investigations.models import Investigation
from investigations.playbooks.case import Case
from investigations.policy.evidence import Listed, ScanFacts
from investigations.queries.lists import Subject, listed
from investigations.queries.memory import remembered
from investigations.queries.scan import scan_facts


def gather(cases: Iterable[Case], moment: datetime) -> None:
    """Put it into the cases; the number of statements is the same for any number of them."""
    cases = list(cases)
    ids = [case.investigation for case in cases]
    scans = scan_facts(ids)
    lists = listed(
        [_subject(case.investigation, case.subject.value, case.subject.kind, scans) for case in cases], moment
    )
    memory = remembered(ids, moment)
    for case in cases:
        case.scan = scans[case.investigation]
        case.lists = lists.get(case.investigation, ())
        case.memory = memory.get(case.investigation, ())


def lists_by_now(
    rows: Iterable[Investigation], scans: Mapping[int, ScanFacts], moment: datetime
) -> dict[int, tuple[Listed, ...]]:
    """What our lists say about the sources by now, with what their scans have become."""
    return listed([_subject(row.pk, row.subject, row.kind, scans) for row in rows], moment)


def _subject(number: int, value: str, kind: str, scans: Mapping[int, ScanFacts]) -> Subject:
    scan = scans[number]
    first, last = (datetime.fromisoformat(text) if text else None for text in (scan.first, scan.last))
    return Subject(number, value, kind, first, last)
