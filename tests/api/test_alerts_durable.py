"""The promise behind a 202: it is in the database, for everybody, before the answer; and a refusal stores nothing."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import psycopg
import pytest
from django.db import connection

from investigations.choices import TokenScope
from investigations.models import Alert, AuditEvent, Investigation, TimelineEvent
from tests.api.conftest import ALERTS, INVESTIGATIONS, Caller, MakeToken, alert
from tests.processes import ROOT, database_url, environment, python

pytestmark = pytest.mark.django_db(transaction=True)

BREAK = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the disk is full' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse();"""
MEND = "DROP TRIGGER IF EXISTS refuse ON {table}; DROP FUNCTION IF EXISTS refuse();"


@pytest.fixture(params=["investigations_alert", "investigations_scannedport", "investigations_auditevent"])
def broken_table(request: Any, transactional_db: None) -> Iterator[str]:
    """A table that the database refuses to write to: the first, a middle, or the last write of a batch."""
    table = request.param
    yield table
    with connection.cursor() as cursor:
        cursor.execute(MEND.format(table=table))


def seen_from_outside(sql: str) -> Any:
    with psycopg.connect(database_url()) as other:
        row = other.execute(sql).fetchone()
        assert row
        return row[0]


def test_it_is_visible_to_another_connection_when_the_answer_arrives(sensor: Caller) -> None:
    assert sensor.post(ALERTS, [alert(number=number) for number in range(3)]).status_code == 202

    assert seen_from_outside("SELECT count(*) FROM investigations_alert") == 3
    assert seen_from_outside("SELECT count(*) FROM investigations_investigation WHERE due IS NOT NULL") == 1


def test_it_stores_all_or_nothing_and_says_so(sensor: Caller, broken_table: str) -> None:
    audited = AuditEvent.objects.count()
    with connection.cursor() as cursor:
        cursor.execute(BREAK.format(table=broken_table))
    refused = sensor.post(ALERTS, alert())

    assert (refused.status_code, refused.json()) == (503, {"error": "cannot be stored now; nothing of it was"})
    assert int(refused["Retry-After"]) > 0
    assert not Alert.objects.exists() and not Investigation.objects.exists() and not TimelineEvent.objects.exists()
    assert AuditEvent.objects.count() == audited
    with connection.cursor() as cursor:
        cursor.execute(MEND.format(table=broken_table))
    # The same connection serves the next request
    assert sensor.post(ALERTS, alert()).status_code == 202


@pytest.mark.parametrize("path", [ALERTS, f"{ALERTS}/in/{{token}}", INVESTIGATIONS])
def test_it_answers_503_when_the_database_is_away(
    make_token: MakeToken, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    caller = Caller(make_token(TokenScope.INGEST, TokenScope.READ, TokenScope.WRITE))
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    connection.close()
    answer = caller.post(path.format(token=caller.token), {"artifacts": ["203.0.113.1"]})
    pages = {name: caller.client.get(f"/{name}").status_code for name in ("healthz", "readyz", "metrics")}
    connection.close()

    assert answer.status_code == 503
    assert answer["Retry-After"] and list(answer.json()) == ["error"]
    assert pages == {"healthz": 200, "readyz": 503, "metrics": 503}


def test_it_accepts_alerts_while_redis_is_away(sensor: Caller, settings: Any) -> None:
    settings.RQ_QUEUES = {"investigations": {**settings.RQ_QUEUES["investigations"], "URL": "redis://127.0.0.1:1"}}

    assert sensor.post(ALERTS, alert()).status_code == 202
    assert sensor.client.get("/readyz").json()["redis"] == "away"


@pytest.fixture
def web(transactional_db: None) -> Iterator[int]:
    """gunicorn as it runs in production, on the test database; its port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [*python("-m", "gunicorn", "reconsoc.wsgi:application"), "--bind", f"127.0.0.1:{port}"]
    command += ["--worker-class", "gthread", "--threads", "4", "--no-control-socket"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(RECONSOC_MAX_BODY_MIB="1"), stderr=subprocess.PIPE)
    try:
        assert process.stderr
        for line in process.stderr:
            if b"Booting worker" in line:
                break
        yield port
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=30)


def send(port: int, token: str, body: Any) -> tuple[int, dict[str, Any]]:
    """Post a body of unknown length, in chunks."""
    caller = HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Transfer-Encoding": "chunked"}
    caller.request("POST", ALERTS, body=body, headers=headers, encode_chunked=True)
    answer = caller.getresponse()
    result = answer.status, json.loads(answer.read())
    caller.close()
    return result


def test_it_reads_a_body_of_unknown_length_and_no_more_than_allowed(web: int, make_token: MakeToken) -> None:
    token = make_token(TokenScope.INGEST)
    lines = [json.dumps(alert(f"203.0.113.{number}")).encode() + b"\n" for number in range(1, 21)]

    status, body = send(web, token, iter(lines))
    assert (status, body["accepted"]) == (202, 20)
    status, body = send(web, token, iter([b" " * 65_536] * 17))
    assert (status, list(body)) == (413, ["error"])
    assert Alert.objects.count() == 20
