"""What a playbook is: a class whose steps run in order, each recorded with its times, input, output and error.

A step is a method that takes the case and returns its output (a small dict for the timeline). A step that has to wait
for providers is a generator: it `yield`s, gets the next answered lookup each time, and gets None when nothing is left
to wait for or the deadline has come. A playbook touches no database, network or queue: it says what it wants to the
case, and the engine does it. An exception in a step ends the run in `needs review`, with the error in the timeline.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from investigations.choices import RunStatus, Status
from investigations.playbooks.case import Case, Lookup
from investigations.policy.document import Policy

Output = dict[str, Any]
JUDGING = ("judge", "decide", "act")
DECIDING = ("decide", "act")
Waiting = Generator[None, Lookup | None, Output]


@dataclass(slots=True)
class StepRecord:
    """One recorded step."""

    position: int
    name: str
    started: datetime
    input: Output = field(default_factory=dict)
    finished: datetime | None = None
    status: RunStatus = RunStatus.RUNNING
    output: Output = field(default_factory=dict)
    error: str = ""


class Playbook:
    """Subclass it, name the steps in `steps`, and register it in playbooks/__init__.py."""

    name: ClassVar[str]
    version: ClassVar[str]
    steps: ClassVar[tuple[str, ...]]  # names of methods, in their order

    def __init__(self, policy: Policy, now: Callable[[], datetime], *, test_networks: bool = False) -> None:
        self.policy = policy
        self.now = now
        self.test_networks = test_networks

    def input_of(self, step: str, case: Case) -> Output:
        """What a step is given, in words and numbers for the timeline."""
        return {}


class Run:
    """One execution of a playbook on a case; the engine advances it. `policy_id` is the version that it judges by."""

    def __init__(self, playbook: Playbook, case: Case, policy_id: int = 0) -> None:
        self.playbook = playbook
        self.case = case
        self.policy_id = policy_id
        self.started = playbook.now()
        self.finished: datetime | None = None
        self.status = RunStatus.RUNNING
        self.error = ""
        self.records: list[StepRecord] = []
        # A case that is in error already is not asked about again, only judged
        self._left = [name for name in playbook.steps if not case.error or name in JUDGING]
        self._waiting: Waiting | None = None
        self._present: StepRecord | None = None  # the step that runs or waits
        self.is_early = False  # escalated before all answers were in
        self.early_answers = 0  # that the early escalation was made with

    @property
    def is_waiting(self) -> bool:
        return self._waiting is not None

    @property
    def is_finished(self) -> bool:
        return not self._left and self._waiting is None

    def advance(self) -> None:
        """Run steps until one waits, or until the end."""
        while self._left and self._waiting is None:
            name = self._left.pop(0)
            record = StepRecord(len(self.records) + 1, _title(name), self.playbook.now())
            self.records.append(record)
            self._present = record
            self._guard(lambda name=name, record=record: self._begin(name, record))  # type: ignore[misc]

    def resume(self, answer: Lookup | None) -> None:
        """Give the waiting step its next answer; None tells it that there will be no more."""
        if self._waiting is None:
            return

        def send() -> None:
            assert self._waiting is not None
            try:
                self._waiting.send(answer)
            except StopIteration as stop:
                self._waiting = None
                self._end(stop.value or {})
                return
            if answer is None:
                raise RuntimeError("the step goes on waiting although there is nothing left to wait for")

        self._guard(send)

    def end_waiting(self) -> None:
        """There will be no more answers: run to the end."""
        while self.is_waiting:
            self.resume(None)
            self.advance()

    def escalate_early(self) -> bool:
        """Take the steps that come to a decision while another still waits, if that escalates; False if it does not.

        Nothing has happened then, whatever went wrong: the same steps are taken when all answers are in. A playbook
        that has something else to do before it decides is not hurried.
        """
        if not self.is_waiting or self.is_early or any(name not in JUDGING for name in self._left):
            return False
        try:
            records = [self._judged(name, place) for place, name in enumerate(self._left, len(self.records) + 1)]
        except Exception:
            records = []
        decided = self.case.decided
        if not records or decided is None or decided.outcome != Status.ESCALATED:
            self.case.forget_judgement()
            return False
        self.records += records
        self.is_early, self.early_answers = True, self.case.answered
        return True

    def _judged(self, name: str, position: int) -> StepRecord:
        record = StepRecord(position, _title(name), self.playbook.now())
        record.output = getattr(self.playbook, name)(self.case) or {}
        record.finished, record.status = self.playbook.now(), RunStatus.COMPLETED
        return record

    def decide_again(self) -> None:
        """The evidence has changed since the last steps: take those that come to the decision once more."""
        recorded = {record.name: record for record in self.records}
        for name in DECIDING:
            output = getattr(self.playbook, name)(self.case) or {}
            if record := recorded.get(_title(name)):
                record.output = output

    def _begin(self, name: str, record: StepRecord) -> None:
        record.input = self.playbook.input_of(name, self.case)
        result = getattr(self.playbook, name)(self.case)
        if not isinstance(result, Generator):
            self._end(result or {})
            return
        self._waiting = result
        try:
            next(result)
        except StopIteration as stop:
            self._waiting = None
            self._end(stop.value or {})

    def _guard(self, action: Callable[[], None]) -> None:
        try:
            action()
        # Whatever a playbook does wrong is its own error, never the engine's: the case still gets its outcome
        except Exception as error:
            self._waiting = None
            self._end({}, error=f"{type(error).__name__}: {error}"[:500])
            name = self._present.name if self._present else ""
            self.case.error = self.case.error or f"step “{name}” failed ({type(error).__name__})"
            # The remaining steps judge what there is, and send it to a person
            self._left = [name for name in self._left if name in JUDGING]

    def _end(self, output: Output, error: str = "") -> None:
        record = self._present
        assert record is not None
        record.finished = self.playbook.now()
        record.output = output
        record.error = error
        record.status = RunStatus.FAILED if error else RunStatus.COMPLETED


def _title(step: str) -> str:
    return step.replace("_", " ").capitalize()
