"""Grouping: all alerts of one attacker within a window are one investigation. Works on the staging table of ingest.

A burst is a run of an attacker's alerts without a silence longer than the window. It joins the investigation of the
same subject whose alerts lie within a window of it, or opens one. Times are those of the alerts, so a file of last
year's alerts groups as it would have then.
"""

from __future__ import annotations

from typing import Any

from investigations.choices import SEVERITY_ORDER, Severity

BIN_SECONDS = 60

SESSIONS = """
WITH ordered AS (
    SELECT place, attacker, happened,
        happened - lag(happened) OVER (PARTITION BY attacker ORDER BY happened, place)
            > make_interval(secs => %(window)s) AS starts
    FROM staging),
numbered AS (
    SELECT place, count(*) FILTER (WHERE starts) OVER (PARTITION BY attacker ORDER BY happened, place) AS session
    FROM ordered)
UPDATE staging SET session = numbered.session FROM numbered WHERE staging.place = numbered.place"""

BURSTS = """
CREATE TEMPORARY TABLE bursts ON COMMIT DROP AS
SELECT attacker, session, min(happened) AS first, max(happened) AS last, count(*)::int AS alerts,
    (array_agg(signature ORDER BY happened, place))[1] AS signature,
    (array_agg(sensor ORDER BY happened, place))[1] AS sensor,
    max(array_position(%(severities)s::text[], severity)) AS severity,
    (SELECT i.id FROM investigations_investigation AS i
        WHERE i.subject = host(attacker)
            AND (i.last_alert IS NULL OR i.last_alert >= min(happened) - make_interval(secs => %(window)s))
            AND (i.first_alert IS NULL OR i.first_alert <= max(happened) + make_interval(secs => %(window)s))
            AND (i.last_alert IS NOT NULL OR i.activity >= now() - make_interval(secs => %(window)s))
        ORDER BY i.last_alert DESC NULLS LAST, i.id DESC LIMIT 1) AS investigation
FROM staging GROUP BY attacker, session"""

# Ids are taken first, so that each burst knows which of the new rows is its own
OPEN = """
WITH fresh AS (
    UPDATE bursts SET investigation = nextval(pg_get_serial_sequence('investigations_investigation', 'id'))
    WHERE investigation IS NULL RETURNING *),
opened AS (
    INSERT INTO investigations_investigation (
        id, kind, subject, source, status, severity, verdict, targeting, disposition, headline, place, submitted,
        first_signature, simulated, opened, activity, alert_count, port_count, target_count, due, fence, attempts)
    SELECT investigation, CASE family(attacker) WHEN 4 THEN 'ipv4-addr' ELSE 'ipv6-addr' END, host(attacker), attacker,
        'enriching', (%(severities)s::text[])[severity], 'unknown', 'unknown', '', '', '', false,
        left(signature, 300), false, now(), now(), 0, 0, 0, now(), 0, 0
    FROM fresh ORDER BY investigation RETURNING id),
told AS (
    INSERT INTO investigations_timelineevent (investigation_id, at, kind, actor, automatic, text)
    SELECT investigation, now(), 'opened', 'ingest', true,
        'First alert' || CASE WHEN sensor = '' THEN '' ELSE ' from ' || sensor END || ': ' || signature
    FROM fresh)
INSERT INTO investigations_auditevent (at, actor, action, subject, before, after, reason)
SELECT now(), 'ingest', 'investigation.opened', 'investigation ' || investigation, '{}', jsonb_build_object(
    'status', 'enriching', 'subject', host(attacker)), ''
FROM fresh"""

ASSIGN = """
UPDATE staging SET investigation = bursts.investigation FROM bursts
WHERE staging.attacker = bursts.attacker AND staging.session = bursts.session"""

# One row for each thing that was probed, and the number of those that are new
PROBED = """
{name}_added AS (
    INSERT INTO {table} AS t (investigation_id, {column}, alerts, answered)
    SELECT investigation, {staged}, count(*)::int, coalesce(bool_or(answered), false)
    FROM staging WHERE {staged} IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (investigation_id, {column}) DO UPDATE
        SET alerts = t.alerts + excluded.alerts, answered = t.answered OR excluded.answered
    RETURNING investigation_id, (xmax = 0) AS is_new),
{name} AS (SELECT investigation_id, count(*) AS fresh FROM {name}_added WHERE is_new GROUP BY 1)"""
PORTS = PROBED.format(name="ports", staged="victim_port", table="investigations_scannedport", column="port")
HOSTS = PROBED.format(name="hosts", staged="victim", table="investigations_scannedhost", column="address")

# An investigation has many indexes: its row is written once
COUNT = f"""
WITH {PORTS}, {HOSTS},
news AS (SELECT investigation, sum(alerts) AS alerts, min(first) AS first, max(last) AS last FROM bursts GROUP BY 1)
UPDATE investigations_investigation AS i SET
    alert_count = i.alert_count + news.alerts, activity = now(),
    first_alert = least(i.first_alert, news.first), last_alert = greatest(i.last_alert, news.last),
    port_count = i.port_count + coalesce(ports.fresh, 0), target_count = i.target_count + coalesce(hosts.fresh, 0)
FROM news
LEFT JOIN ports ON ports.investigation_id = news.investigation
LEFT JOIN hosts ON hosts.investigation_id = news.investigation
WHERE i.id = news.investigation"""

BINS = """
INSERT INTO investigations_alertbin AS b (investigation_id, start, alerts)
SELECT investigation, to_timestamp(floor(extract(epoch FROM happened) / %(bin)s) * %(bin)s), count(*)::int
FROM staging GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (investigation_id, start) DO UPDATE SET alerts = b.alerts + excluded.alerts"""

# A dismissal holds while hits repeat. It does not hold when the source does what it had not done when the automation
# decided: something answers it, or an alert goes beyond reconnaissance. A person's dismissal is never touched.
REVISIT = """
WITH news AS (
    SELECT investigation, bool_or(NOT is_recon) AS beyond, coalesce(bool_or(answered), false) AS answered
    FROM staging GROUP BY 1 HAVING bool_or(NOT is_recon) OR bool_or(answered)),
changed AS (
    UPDATE investigations_investigation AS i SET
        status = 'enriching', disposition = '', closed = NULL, due = now(), deadline = NULL, attempts = 0
    FROM news AS n, investigations_decision AS d
    WHERE i.id = n.investigation AND i.status = 'dismissed' AND d.automatic
        AND d.id = (SELECT max(id) FROM investigations_decision WHERE investigation_id = i.id)
        AND ((n.beyond AND NOT coalesce((d.evidence->'scan'->>'beyond_recon')::boolean, false))
            OR (n.answered AND NOT coalesce((d.evidence->'scan'->>'answered')::boolean, false)))
    RETURNING i.id, d.disposition, n.beyond),
told AS (
    INSERT INTO investigations_timelineevent (investigation_id, at, kind, actor, automatic, text)
    SELECT id, now(), 'reopened', 'automation', true, 'Looked at again: ' || CASE WHEN beyond
        THEN 'an alert goes beyond reconnaissance' ELSE 'something of ours answered' END
    FROM changed)
INSERT INTO investigations_auditevent (at, actor, action, subject, before, after, reason)
SELECT now(), 'automation', 'investigation.reopened', 'investigation ' || id,
    jsonb_build_object('status', 'dismissed', 'disposition', disposition), jsonb_build_object('status', 'enriching'), ''
FROM changed"""


def assign(cursor: Any, window: int) -> tuple[int, ...]:
    """Give every staged alert its investigation, opening those that are missing; the ids, ascending."""
    names = {
        "window": window,
        "severities": [severity.value for severity in sorted(Severity, key=SEVERITY_ORDER.__getitem__)],
    }
    cursor.execute(SESSIONS, names)
    cursor.execute(BURSTS, names)
    cursor.execute(OPEN, names)
    cursor.execute(ASSIGN)
    cursor.execute("SELECT DISTINCT investigation FROM bursts ORDER BY 1")
    return tuple(pk for (pk,) in cursor.fetchall())


def add_sums(cursor: Any) -> None:
    """Add the staged alerts to the sums of their investigations."""
    for statement in (BINS, COUNT, REVISIT):
        cursor.execute(statement, {"bin": BIN_SECONDS})
    cursor.execute("DROP TABLE bursts")
