"""The audit history is append-only, whoever asks."""

import pytest
from django.db import DatabaseError, connection

from investigations.models import Actor, AuditEvent


@pytest.fixture
def event(db):
    return AuditEvent.objects.record(Actor("anna"), "provider.changed", "provider virustotal", after={"enabled": True})


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE investigations_auditevent SET actor = 'nobody'",
        "DELETE FROM investigations_auditevent",
        "TRUNCATE investigations_auditevent",
    ],
)
def test_it_refuses_to_be_rewritten(event, sql):
    with pytest.raises(DatabaseError, match="append-only"), connection.cursor() as cursor:
        cursor.execute(sql)


def test_it_refuses_changes_through_the_orm(event):
    event.actor = "somebody else"
    with pytest.raises(DatabaseError, match="append-only"):
        event.save()
