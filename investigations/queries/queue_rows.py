"""What a row of the queue shows besides its investigation; a fixed number of queries for any number of rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import F, OuterRef, Subquery

from investigations.charts import Bar, rebin, sparkline
from investigations.choices import Outcome
from investigations.models import Alert, AlertBin, Enrichment, Investigation
from investigations.queries.answers import Mark, marks_of

# What a sparkline may span; a short scan is drawn over a short one
SPARK_SPANS = {
    "24 minutes": timedelta(minutes=24),
    "4 hours": timedelta(hours=4),
    "24 hours": timedelta(hours=24),
}
LONGEST = "24 hours"
SPARK_BARS = 24
SPARK_SIZE = (88.0, 20.0)
BIN = timedelta(minutes=1)  # of models.AlertBin
MAX_MARKS = 12


@dataclass(frozen=True, slots=True)
class Row:
    """One investigation as the queue shows it: what happened in a sentence, how it moves, who says what."""

    investigation: Investigation
    sentence: str
    spark_span: str = LONGEST
    bars: list[Bar] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    unshown: int = 0  # marks beyond MAX_MARKS


def rows_of(investigations: Sequence[Investigation]) -> list[Row]:
    ids = [investigation.pk for investigation in investigations]
    answers, bins = _answers(ids), _bins(ids)
    signatures = _signatures([one.pk for one in investigations if not one.headline])
    return [_row(one, answers[one.pk], bins[one.pk], signatures.get(one.pk, "")) for one in investigations]


def _row(
    investigation: Investigation, answers: list[tuple[str, str, str]], bins: list[tuple[datetime, int]], signature: str
) -> Row:
    marks, span = marks_of(answers), _span(bins)
    return Row(
        investigation,
        _sentence(investigation, answers, signature),
        span,
        _bars(bins, span),
        marks[:MAX_MARKS],
        max(len(marks) - MAX_MARKS, 0),
    )


def _sentence(investigation: Investigation, answers: Sequence[tuple[str, str, str]], signature: str) -> str:
    if investigation.is_enriching:
        progress = progress_of([outcome for _, outcome, _ in answers])
        return f"{progress} – {signature}" if signature else progress
    if investigation.headline:
        return investigation.headline
    return signature or "Submitted by hand; nothing is known yet"


def progress_of(outcomes: Sequence[str]) -> str:
    """How far an investigation has come: `Being investigated: 3 of 8 answered`."""
    if not outcomes:
        return "Waiting to be investigated"
    answered = sum(outcome != Outcome.PENDING for outcome in outcomes)
    return f"Being investigated: {answered} of {len(outcomes)} answered"


def _span(bins: list[tuple[datetime, int]]) -> str:
    """The shortest span that shows all bins."""
    needed = bins[-1][0] + BIN - bins[0][0] if bins else timedelta()
    return next((name for name, span in SPARK_SPANS.items() if needed <= span), LONGEST)


def _bars(bins: list[tuple[datetime, int]], span: str) -> list[Bar]:
    if not bins:
        return []
    end = bins[-1][0] + BIN
    return sparkline(rebin(bins, end - SPARK_SPANS[span], end, SPARK_BARS), *SPARK_SIZE)


def _answers(ids: Sequence[int]) -> dict[int, list[tuple[str, str, str]]]:
    found: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
    rows = Enrichment.objects.filter(investigation__in=ids)
    for pk, *answer in rows.values_list("investigation", "provider", "outcome", "verdict"):
        found[pk].append((answer[0], answer[1], answer[2]))
    return found


def _bins(ids: Sequence[int]) -> dict[int, list[tuple[datetime, int]]]:
    """The alerts of each investigation in its last day; of the alerts' own time, so old files look as they were."""
    found: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
    since = F("investigation__last_alert") - SPARK_SPANS[LONGEST]
    rows = AlertBin.objects.filter(investigation__in=ids, start__gt=since).order_by("investigation", "start")
    for pk, start, alerts in rows.values_list("investigation", "start", "alerts"):
        found[pk].append((start, alerts))
    return found


def _signatures(ids: Sequence[int]) -> dict[int, str]:
    """The latest alert's signature for each investigation, found by one index look-up each."""
    latest = Alert.objects.filter(investigation=OuterRef("pk")).order_by("-happened", "-id").values("signature")[:1]
    rows = Investigation.objects.filter(pk__in=ids).annotate(signature=Subquery(latest))
    return {pk: signature for pk, signature in rows.values_list("pk", "signature") if signature}
