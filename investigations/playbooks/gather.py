"""What we know ourselves about cases that are about to be judged: scans, our lists, what people decided before."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from investigations.playbooks.case import Case
from investigations.policy.evidence import ScanFacts
from investigations.queries.lists import Subject, listed
from investigations.queries.memory import remembered
from investigations.queries.scan import scan_facts


def gather(cases: Iterable[Case], moment: datetime) -> None:
    """Put it into the cases; the number of statements is the same for any number of them."""
    cases = list(cases)
    ids = [case.investigation for case in cases]
    scans = scan_facts(ids)
    lists = listed([_subject(case, scans[case.investigation]) for case in cases], moment)
    memory = remembered(ids, moment)
    for case in cases:
        case.scan = scans[case.investigation]
        case.lists = lists.get(case.investigation, ())
        case.memory = memory.get(case.investigation, ())


def _subject(case: Case, scan: ScanFacts) -> Subject:
    first, last = (datetime.fromisoformat(text) if text else None for text in (scan.first, scan.last))
    return Subject(case.investigation, case.subject.value, case.subject.kind, first, last)
