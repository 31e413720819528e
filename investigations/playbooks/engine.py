"""The engine: claims due investigations, runs their playbooks together, and fans all lookups out in one shared pool.

One thread (this one) owns the database and every playbook; the pool's threads only ask providers. No transaction is
open while a provider is asked. Everything is written under the claim's fence, so a worker that was believed dead and
comes back writes nothing. Leases are renewed while the work goes on; when the worker dies, they run out and somebody
else takes over.
"""

from __future__ import annotations

import contextlib
import heapq
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import count, groupby
from operator import attrgetter
from queue import Empty, SimpleQueue
from types import TracebackType

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.utils.timezone import now

from investigations.choices import Outcome
from investigations.models import Investigation
from investigations.playbooks import PLAYBOOKS, late, limits, store
from investigations.playbooks.base import Run
from investigations.playbooks.case import Case, CaseArtifact, Lookup
from investigations.playbooks.desks import Desk, Reported, ask, open_desks
from investigations.playbooks.finish import finish
from investigations.playbooks.gather import gather
from investigations.playbooks.recon import ReconTriage
from investigations.policy.document import Policy
from investigations.queries.policies import active_policy

MAX_CASES = 100  # under work at once
CLAIM = 25  # taken at once: small, so that two workers share a burst
POLL = 0.05  # seconds between looks for new work while answers are awaited
RELOAD = 5.0  # seconds after which a changed configuration is seen

log = structlog.get_logger(__name__)


class Engine:
    """Use as a context manager: it owns a thread pool. `more` is called when there is work for a second worker."""

    def __init__(self, stop: threading.Event | None = None, more: Callable[[], object] = lambda: None) -> None:
        self.stop = stop or threading.Event()
        self.more = more
        self.pool = ThreadPoolExecutor(settings.MAX_LOOKUPS, thread_name_prefix="lookup")
        self.answers: SimpleQueue[tuple[Run, Lookup, Desk, Reported]] = SimpleQueue()
        self.runs: dict[int, Run] = {}
        self.later: list[tuple[datetime, int, Run, Lookup, Desk]] = []
        self.settled = 0
        self._order = count()
        self._desks: dict[str, Desk] = {}
        self._policy: tuple[int, Policy]
        self._loaded = -RELOAD
        self._looked = -POLL
        self._renewed = time.monotonic()

    def __enter__(self) -> Engine:
        store.do_not_wait_for_disk()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)
        if self.runs and kind is None:
            # Told to stop: what is not finished is due again at once, for another worker
            Investigation.objects.postpone([run.case.claim for run in self.runs.values()], 0)
            late.give_up(self.runs.values(), now())
        with contextlib.suppress(DatabaseError, InterfaceError):
            store.do_not_wait_for_disk(False)

    def run(self, seconds: float) -> int:
        """Work until nothing is due, or until `seconds` are over and what was begun is done; how many were settled."""
        end = time.monotonic() + seconds
        while not self.stop.is_set():
            claimed = self._claim() if time.monotonic() < end else 0
            if not self.runs:
                if not claimed:
                    return self.settled
                continue
            self._take_answers(wait=0.0 if claimed == CLAIM else POLL)
            self._ask_again()
            self._end_waiting()
            self._renew()
        return self.settled

    # Work comes in

    def _claim(self) -> int:
        room = min(CLAIM, MAX_CASES - len(self.runs))
        # While work is under way, answers come in faster than it makes sense to look for more
        if room <= 0 or (self.runs and time.monotonic() - self._looked < POLL):
            return 0
        claims = Investigation.objects.claim(room, settings.LEASE_SECONDS)
        if len(claims) == CLAIM:
            self.more()
        else:
            self._looked = time.monotonic()
        if claims:
            self._reload()
            self._begin(store.load_cases(claims))
        return len(claims)

    def _reload(self) -> None:
        if time.monotonic() - self._loaded >= RELOAD:
            self._desks = open_desks()
            self._policy = active_policy()
            self._loaded = time.monotonic()

    def _begin(self, cases: Iterable[Case]) -> None:
        playbook = PLAYBOOKS[ReconTriage.name]
        number, policy = self._policy
        test_networks = settings.ALLOW_TEST_NETWORKS
        runs = [Run(playbook(policy, now, test_networks=test_networks), case, number) for case in cases]
        for run in runs:
            self.runs[run.case.investigation] = run
            run.advance()
        self._ask_wanted(runs)
        store.save_runs(runs)

    # Questions go out

    def _ask_wanted(self, runs: Iterable[Run]) -> None:
        """Ask about every artifact that a playbook has asked for since the last time."""
        pairs: list[tuple[Run, CaseArtifact]] = []
        for run in runs:
            pairs += [(run, artifact) for artifact in run.case.wanted]
            run.case.wanted = []
        if not pairs:
            return
        store.store_artifacts([(run.case, artifact) for run, artifact in pairs])
        asked = [
            (run, desk, self._lookup(run, artifact, desk))
            for run, artifact in pairs
            for desk in self._desks.values()
            if artifact.kind in desk.provider.accepts
        ]
        store.use_cache([(desk, lookup) for _, desk, lookup in asked if lookup.pending], now())
        # The questions go out first: they are written down while the providers think
        self._send([(run, desk, lookup) for run, desk, lookup in asked if lookup.pending])
        store.save_lookups([(run.case, lookup) for run, _, lookup in asked])
        known = [(run, lookup) for run, _, lookup in asked if not lookup.pending]
        for run, lookup in known:
            run.resume(lookup)
        self._escalate_early(known)
        self._ask_wanted(run for run, _ in pairs)

    def _lookup(self, run: Run, artifact: CaseArtifact, desk: Desk) -> Lookup:
        lookup = Lookup(artifact, desk.name, desk.provider.label, desk.provider.reputation, asked=now())
        lookup.simulated = desk.simulated
        run.case.lookups.append(lookup)
        if refusal := desk.refuses(artifact):
            lookup.outcome, lookup.summary, lookup.answered = Outcome.SKIPPED, refusal, now()
            lookup.simulated = False
        return lookup

    def _send(self, asked: Iterable[tuple[Run, Desk, Lookup]]) -> None:
        """Hand lookups to the pool; where a limit is reached, they wait for their turn or are told when it is."""
        by_desk: dict[str, list[tuple[Run, Desk, Lookup]]] = defaultdict(list)
        for item in asked:
            by_desk[item[1].name].append(item)
        for name, items in by_desk.items():
            if not items[0][1].limited:
                granted = len(items)
            else:
                grant = limits.take(name, len(items))
                granted = grant.count
                self._queue_up(items[granted:], grant)
            for run, desk, lookup in items[:granted]:
                self.pool.submit(self._ask, run, desk, lookup)

    def _ask(self, run: Run, desk: Desk, lookup: Lookup) -> None:
        self.answers.put((run, lookup, desk, ask(desk, lookup.artifact)))

    def _queue_up(self, items: Iterable[tuple[Run, Desk, Lookup]], grant: limits.Grant) -> None:
        for run, desk, lookup in items:
            if grant.again < run.case.deadline:
                heapq.heappush(self.later, (grant.again, next(self._order), run, lookup, desk))
            else:
                summary = f"throttled until {grant.again:%H:%M} UTC ({grant.reason})"
                self.answers.put((run, lookup, desk, Reported(Outcome.THROTTLED, summary, None, 0)))

    def _ask_again(self) -> None:
        """Lookups whose turn has come."""
        ready = []
        while self.later and self.later[0][0] <= now():
            _, _, run, lookup, desk = heapq.heappop(self.later)
            if self._is_ours(run) and lookup.pending:
                ready.append((run, desk, lookup))
        self._send(ready)

    # Answers come back

    def _take_answers(self, wait: float) -> None:
        """Take all answers that are there, waiting a moment for the first."""
        taken = []
        try:
            taken.append(self.answers.get(timeout=wait) if wait else self.answers.get_nowait())
            while True:
                taken.append(self.answers.get_nowait())
        except Empty:
            pass
        current = [item for item in taken if self._is_ours(item[0]) and item[1].pending]
        for run, lookup, desk, reported in current:
            self._heed(desk, reported)
            reported.answer(lookup, now())
            run.resume(lookup)
        store.save_lookups([(run.case, lookup) for run, lookup, _, _ in current])
        self._escalate_early([(run, lookup) for run, lookup, _, _ in current])
        self._ask_wanted({run.case.investigation: run for run, _, _, _ in current}.values())

    def _is_ours(self, run: Run) -> bool:
        return self.runs.get(run.case.investigation) is run

    def _heed(self, desk: Desk, reported: Reported) -> None:
        """A provider asks us to wait."""
        if reported.outcome == Outcome.THROTTLED and reported.retry_after:
            limits.block(desk.name, reported.retry_after)
            self._loaded = -RELOAD  # for the next cases, this desk is limited

    # Work is done

    def _end_waiting(self) -> None:
        """Cases for which nothing is awaited any more, or whose time is up, are judged and settled."""
        moment = now()
        ready = [
            run
            for run in self.runs.values()
            if not run.is_waiting or not run.case.waiting or run.case.deadline <= moment
        ]
        if not ready:
            return
        cases = [run.case for run in ready]
        store.time_out(cases, "no answer by the deadline")
        gather(cases, moment)
        for run in ready:
            run.end_waiting()
            del self.runs[run.case.investigation]
        self._settle([run for run in ready if not run.is_early])
        late.add_evidence([run for run in ready if run.is_early], now())

    def _escalate_early(self, answered: Iterable[tuple[Run, Lookup]]) -> None:
        """One decisive malicious answer is enough: the decision does not wait for the others, which go on."""
        early = late.escalate_early(answered, now())
        self._settle(early)
        for run in early:
            if run.error:
                # A person was quicker, or it could not be stored: its answers are nobody's any more
                del self.runs[run.case.investigation]

    def _settle(self, runs: list[Run]) -> None:
        """Each by the version that judged it: another one may have come into force meanwhile."""
        version = attrgetter("policy_id")
        for number, group in groupby(sorted(runs, key=version), version):
            self._finish(list(group), number)

    def _finish(self, runs: list[Run], policy_id: int) -> None:
        try:
            self.settled += finish(runs, policy_id, now())
        except DatabaseError as error:
            if len(runs) > 1:
                # One case that cannot be stored must not hold up the others
                for run in runs:
                    self._finish([run], policy_id)
                return
            log.error("settle_failed", investigation=runs[0].case.investigation, error=type(error).__name__)
            self._give_up(runs[0])

    def _give_up(self, run: Run) -> None:
        """What was gathered cannot be written: hand over without it, so that the case leaves the queue."""
        bare = Case(run.case.investigation, run.case.fence, run.case.subject, run.case.deadline, run.case.submitted)
        bare.error = run.error = "the evidence could not be stored"
        self.settled += finish([Run(run.playbook, bare)], run.policy_id, now())

    def _renew(self) -> None:
        if time.monotonic() - self._renewed < settings.LEASE_SECONDS / 3 or not self.runs:
            return
        self._renewed = time.monotonic()
        # What was escalated early has no lease any more: nobody else takes it up
        held = {number: run for number, run in self.runs.items() if not run.is_early}
        kept = Investigation.objects.renew([run.case.claim for run in held.values()], settings.LEASE_SECONDS)
        lost = [self.runs.pop(investigation) for investigation in set(held) - kept]
        # A person decided meanwhile; where somebody else took over, this writes nothing
        store.time_out([run.case for run in lost], "a person decided before it answered")
