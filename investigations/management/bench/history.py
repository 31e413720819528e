"""A past to look back on: any number of investigations with all that belongs to them, made by the database itself.

Every share is the same whatever the number, so that a page shows as many rows of a small history as of a large one.
"""

from __future__ import annotations

from typing import Any

# `draw` is a number from 0 to 99 that looks random and is the same each time
INVESTIGATIONS = """
INSERT INTO investigations_investigation (
    kind, subject, source, status, severity, verdict, targeting, disposition, headline, place, assignee_id, submitted,
    simulated, opened, activity, decided, closed, alert_count, port_count, target_count, first_alert, last_alert, due,
    fence, attempts, first_signature)
SELECT 'ipv4-addr', host(source), source, status, severity, verdict, 'unknown',
    CASE WHEN NOT closed THEN '' WHEN status = 'dismissed' THEN 'noise' ELSE 'true_positive' END,
    CASE WHEN status = 'enriching' THEN '' ELSE headline END, 'NL · AS64496 Example Hosting',
    CASE WHEN NOT closed AND draw %% 5 = 0 THEN %(user)s END, false, true, moment, moment,
    CASE WHEN status <> 'enriching' THEN moment END, CASE WHEN closed THEN moment END,
    3, 2, 1, moment - interval '2 hours', moment, CASE WHEN status = 'enriching' THEN now() + interval '1 day' END,
    1, 0, 'ET SCAN Potential SSH Scan'
FROM (
    SELECT *, CASE WHEN draw < 60 THEN 'dismissed' WHEN draw < 80 THEN 'escalated' WHEN draw < 98 THEN 'needs_review'
            ELSE 'enriching' END AS status,
        draw < 70 AS closed,
        CASE WHEN other < 20 THEN '203.0.0.0'::inet + (spread %% 65536) ELSE '1.0.0.0'::inet + (spread %% 536870912)
            END AS source,
        (ARRAY['low', 'medium', 'high', 'critical'])[1 + other %% 4] AS severity,
        (ARRAY['malicious', 'suspicious', 'benign', 'unknown'])[1 + other / 4 %% 4] AS verdict,
        CASE WHEN other < 30 THEN 'Malicious source tried SSH' ELSE 'Scanned 1 host on 2 ports' END AS headline
    FROM (
        SELECT i, (hashint4(i) & 2147483647) %% 100 AS draw, (hashint4(-i) & 2147483647) %% 100 AS other,
            hashint4(i * 7) & 2147483647 AS spread,
            now() - (%(number)s - i) * (interval '90 days' / %(number)s) AS moment
        FROM generate_series(1, %(number)s) AS i) AS drawn) AS made
ORDER BY i"""
# Each statement gives every investigation its share
BELONGINGS = (
    """
    INSERT INTO investigations_artifact (kind, value)
    SELECT DISTINCT kind, subject FROM investigations_investigation""",
    """
    INSERT INTO investigations_investigationartifact (investigation_id, artifact_id, origin, verdict)
    SELECT i.id, a.id, 'source', i.verdict FROM investigations_investigation AS i
    JOIN investigations_artifact AS a ON a.value = i.subject""",
    """
    INSERT INTO investigations_enrichment (
        investigation_id, artifact_id, provider, outcome, verdict, strength, summary, facts, domains, link, asked,
        answered, latency_ms, cached, simulated)
    SELECT l.investigation_id, l.artifact_id, p.name, CASE WHEN p.place %% 4 = 3 THEN 'not_found' ELSE 'ok' END,
        CASE WHEN p.place %% 2 = 0 THEN l.verdict ELSE 'unknown' END, 'strong', '97 of 100, 38 reporters in 30 days',
        '{"country": "NL", "asn": 64496, "as_name": "Example Hosting"}', '[]', 'https://example.org/', i.opened,
        i.opened, 200, false, true
    FROM investigations_investigationartifact AS l
    JOIN investigations_investigation AS i ON i.id = l.investigation_id
    CROSS JOIN unnest(%(providers)s::text[]) WITH ORDINALITY AS p(name, place)""",
    """
    INSERT INTO investigations_alert (
        investigation_id, received, happened, time_guessed, sensor, format, dedup_key, attacker, attacker_reason,
        victim, victim_port, source, source_port, destination, destination_port, protocol, signature, signature_id,
        category, severity, raw_severity, domain, techniques, answered, is_recon, raw)
    SELECT i.id, i.opened, i.activity - n * interval '50 minutes', false, 'dmz-1', 'suricata', md5(i.id || '/' || n),
        i.source, 'source address', '10.20.0.10', 22 + n, i.source, 40000, '10.20.0.10', 22 + n, 'tcp',
        'ET SCAN Potential SSH Scan', '2001219', 'Attempted Information Leak', i.severity, '2', '', '{T1595.001}',
        false, true, '{"event_type": "alert"}'
    FROM investigations_investigation AS i CROSS JOIN generate_series(0, 2) AS n""",
    """
    INSERT INTO investigations_alertbin (investigation_id, start, alerts)
    SELECT investigation_id, date_bin('10 minutes', happened, '2020-01-01Z'), count(*) FROM investigations_alert
    GROUP BY 1, 2""",
    """
    INSERT INTO investigations_scannedport (investigation_id, port, alerts, answered)
    SELECT investigation_id, victim_port, count(*), false FROM investigations_alert GROUP BY 1, 2""",
    """
    INSERT INTO investigations_decision (
        investigation_id, outcome, automatic, actor, decided, rule, policy_id, severity, disposition, verdict,
        targeting, headline, reasons, flip, evidence, evidence_digest, comment)
    SELECT id, status, true, 'automation', decided, 'malicious-source',
        (SELECT max(id) FROM investigations_policyversion), severity, disposition, verdict, 'unknown', headline,
        '[{"text": "97 of 100", "kind": "answer", "verdict": "malicious", "provider": "abuseipdb"}]', '', '{}', '', ''
    FROM investigations_investigation WHERE status <> 'enriching'""",
    """
    INSERT INTO investigations_timelineevent (investigation_id, at, kind, actor, automatic, text)
    SELECT id, opened, 'opened', 'ingest', true, 'First alert from dmz-1' FROM investigations_investigation""",
    "ANALYZE",
)


def fill(cursor: Any, number: int, *, user: int, providers: list[str]) -> None:
    """Make `number` investigations; some of the open ones are held by the user."""
    names = {"number": number, "user": user, "providers": providers}
    for statement in (INVESTIGATIONS, *BELONGINGS):
        cursor.execute(statement, names)
