"""The timeline of one investigation: events and the steps of its playbook runs, in the order they happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from investigations.choices import RunStatus, TimelineKind
from investigations.models import Investigation, PlaybookRun, PlaybookStep, TimelineEvent

MAX_EVENTS = 200
MAX_RUNS = 5
WORDS = 160  # characters of a step's input or output


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `mark` is person, decided, failed or empty; `detail` is a step's input and output in words."""

    at: datetime
    text: str
    mark: str = ""
    actor: str = ""
    quote: bool = False
    detail: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """`cut` says that older entries are not shown."""

    entries: list[Entry]
    cut: bool = False


def timeline_of(investigation: Investigation) -> Timeline:
    events = list(investigation.timeline.order_by("-at", "-id")[: MAX_EVENTS + 1])
    runs = list(investigation.runs.order_by("-id").prefetch_related("steps")[:MAX_RUNS])
    entries = [*map(_of_event, events[:MAX_EVENTS]), *_of_runs(runs)]
    return Timeline(sorted(entries, key=lambda entry: entry.at), cut=len(events) > MAX_EVENTS)


def _of_event(event: TimelineEvent) -> Entry:
    by_person = "" if event.automatic else "person"
    mark = "decided" if event.kind == TimelineKind.DECIDED else by_person
    return Entry(event.at, event.text, mark, event.actor, quote=event.kind == TimelineKind.COMMENT)


def _of_runs(runs: Iterable[PlaybookRun]) -> Iterator[Entry]:
    for run in runs:
        if run.error:
            yield Entry(run.finished or run.started, f"Playbook {run} failed", "failed", error=run.error)
        for step in sorted(run.steps.all(), key=lambda step: step.position):
            yield _of_step(run, step)


def _of_step(run: PlaybookRun, step: PlaybookStep) -> Entry:
    mark = "failed" if step.status == RunStatus.FAILED else "step"
    took = _took(step)
    return Entry(
        step.started,
        f"{step.name}: {took}" if took else f"{step.name} …",
        mark,
        f"playbook {run}",
        detail=" → ".join(filter(None, [in_words(step.input), in_words(step.output)])),
        error=step.error,
    )


def _took(step: PlaybookStep) -> str:
    if step.finished is None:
        return ""
    seconds = (step.finished - step.started).total_seconds()
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def in_words(values: dict[str, Any]) -> str:
    """A step's small summary as text: `asked 8, ok 6, timeout 2`."""
    known = {name: value for name, value in values.items() if value not in (None, "", [])}
    parts = [f"{name.replace('_', ' ')} {_plain(value)}" for name, value in known.items()]
    text = ", ".join(parts)
    return text if len(text) <= WORDS else f"{text[: WORDS - 1]}…"


def _plain(value: Any) -> str:
    return " + ".join(str(item) for item in value) if isinstance(value, list) else str(value)
