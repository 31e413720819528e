"""Storing alerts: once each, grouped by attacker and burst, with their sums."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection

from investigations.choices import Status
from investigations.ingest.base import ParsedBatch
from investigations.models import Alert, AlertBin, AuditEvent, Investigation, ScannedHost, ScannedPort, TimelineEvent
from investigations.services.ingest import store
from tests.makers import START, make_alert

pytestmark = pytest.mark.django_db


def test_it_opens_one_investigation_for_one_attacker():
    stored = store([make_alert(minutes=number) for number in range(5)])

    investigation = Investigation.objects.get()
    assert stored.accepted == 5
    assert stored.investigations == (investigation.pk,)
    assert investigation.subject == "203.0.113.66"
    assert investigation.alert_count == 5
    assert investigation.status == Status.ENRICHING
    assert investigation.due is not None
    assert (investigation.first_alert, investigation.last_alert) == (START, START + timedelta(minutes=4))


def test_it_counts_an_alert_that_comes_twice_once():
    alerts = [make_alert(), make_alert(minutes=1)]
    store(alerts)
    again = store([*alerts, make_alert(minutes=2)])

    assert (again.accepted, again.duplicates) == (1, 2)
    assert Investigation.objects.get().alert_count == Alert.objects.count() == 3


def test_it_finds_duplicates_within_one_batch():
    alert = make_alert()
    stored = store([alert, alert])

    assert (stored.accepted, stored.duplicates) == (1, 1)


def test_it_opens_another_investigation_after_a_silence():
    store([make_alert(minutes=0), make_alert(minutes=60 * 25)])

    assert sorted(Investigation.objects.values_list("alert_count", flat=True)) == [1, 1]


def test_it_joins_late_alerts_to_the_burst_they_belong_to():
    store([make_alert(minutes=0)])
    store([make_alert(minutes=60 * 24 * 30)])
    store([make_alert(minutes=5)])

    old, new = Investigation.objects.order_by("first_alert")
    assert (old.alert_count, new.alert_count) == (2, 1)


def test_it_keeps_attackers_apart():
    store([make_alert("203.0.113.1"), make_alert("2001:db8::1"), make_alert("203.0.113.1", minutes=1)])

    assert dict(Investigation.objects.values_list("subject", "alert_count")) == {"203.0.113.1": 2, "2001:db8::1": 1}


def test_it_sums_ports_hosts_and_times():
    store([make_alert(victim_port=22, answered=True), make_alert(victim_port=23, victim="10.20.0.6", minutes=11)])
    store([make_alert(victim_port=22, minutes=12)])

    investigation = Investigation.objects.get()
    assert (investigation.port_count, investigation.target_count) == (2, 2)
    assert set(ScannedPort.objects.values_list("port", "alerts", "answered")) == {(22, 2, True), (23, 1, False)}
    assert set(ScannedHost.objects.values_list("address", "alerts")) == {("10.20.0.5", 2), ("10.20.0.6", 1)}
    assert set(AlertBin.objects.values_list("start", "alerts")) == {
        (START + timedelta(minutes=minutes), 1) for minutes in (0, 11, 12)
    }


def test_it_keeps_every_field_of_an_alert():
    record = make_alert(
        techniques=("T1046", "T1018"), domain="www.ours.example", answered=False, raw='{"a": "ü\\n\\t"}'
    )
    store(ParsedBatch(alerts=[record]))

    alert = Alert.objects.get()
    for name in ("signature", "category", "severity", "domain", "answered", "raw", "victim_port", "sensor", "happened"):
        assert getattr(alert, name) == getattr(record, name)
    assert alert.techniques == ["T1046", "T1018"]


def test_it_tells_the_opening_to_timeline_and_audit():
    store([make_alert()])

    investigation = Investigation.objects.get()
    assert TimelineEvent.objects.get().text == "First alert from dmz-1: ET SCAN Potential SSH Scan"
    event = AuditEvent.objects.get(action="investigation.opened")
    assert event.subject == f"investigation {investigation.pk}"


def test_it_stores_what_looks_like_sql_or_copy_syntax():
    nasty = '\\N\t\'; DROP TABLE x; -- \\. {"a"} é 😀'
    store([make_alert(signature=nasty)])

    assert Alert.objects.get().signature == nasty


@pytest.mark.django_db(transaction=True)
def test_it_opens_one_investigation_when_batches_arrive_at_once():
    def send(number: int) -> None:
        try:
            store([make_alert(minutes=number + step / 10) for step in range(20)])
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Investigation.objects.get().alert_count == Alert.objects.count() == 120
