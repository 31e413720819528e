"""Every word that is stored: one enumeration for one thing, in the terms of docs/glossary.md."""

from __future__ import annotations

from django.db import models


class ArtifactKind(models.TextChoices):
    """What is under investigation; the names of STIX 2.1 observables."""

    IPV4 = "ipv4-addr", "IPv4 address"
    IPV6 = "ipv6-addr", "IPv6 address"
    DOMAIN = "domain-name", "Domain"


ADDRESS_KINDS = frozenset({ArtifactKind.IPV4, ArtifactKind.IPV6})


class Scope(models.TextChoices):
    """Where an address lives; only PUBLIC may be named to an outside provider."""

    PUBLIC = "public", "Public"
    INTERNAL = "internal", "Internal"
    RESERVED = "reserved", "Reserved"


class Verdict(models.TextChoices):
    """The machine's opinion of an artifact: the four values of STIX `malware-result-ov`."""

    UNKNOWN = "unknown", "Unknown"
    BENIGN = "benign", "Benign"
    SUSPICIOUS = "suspicious", "Suspicious"
    MALICIOUS = "malicious", "Malicious"


class Targeting(models.TextChoices):
    """The second axis: aimed at us, or what everybody on the Internet gets?"""

    UNKNOWN = "unknown", "Not known whether aimed at us"
    OPPORTUNISTIC = "opportunistic", "Background noise"
    TARGETED = "targeted", "Possibly aimed at us"


class Strength(models.TextChoices):
    """How much one answer weighs in the judgement."""

    CONTEXT = "context", "context"
    WEAK = "weak", "weak"
    STRONG = "strong", "strong"
    DECISIVE = "decisive", "decisive"


class Outcome(models.TextChoices):
    """How one lookup ended. Only OK and NOT_FOUND are answers; NOT_FOUND never means benign."""

    PENDING = "pending", "Waiting"
    OK = "ok", "Answered"
    NOT_FOUND = "not_found", "Not found"
    THROTTLED = "throttled", "Throttled"
    AUTH_ERROR = "auth_error", "Key refused"
    ERROR = "error", "Error"
    TIMEOUT = "timeout", "No answer in time"
    SKIPPED = "skipped", "Skipped"


ANSWERED = frozenset({Outcome.OK, Outcome.NOT_FOUND})
FAILED = frozenset({Outcome.THROTTLED, Outcome.AUTH_ERROR, Outcome.ERROR, Outcome.TIMEOUT})


class Status(models.TextChoices):
    """Where an investigation stands."""

    ENRICHING = "enriching", "Enriching"
    NEEDS_REVIEW = "needs_review", "Needs review"
    ESCALATED = "escalated", "Escalated"
    DISMISSED = "dismissed", "Dismissed"


class Severity(models.TextChoices):
    """Five levels, normalised from each sensor's own scale; the raw value is kept on the alert."""

    INFORMATIONAL = "informational", "Informational"
    LOW = "low", "Low"
    MEDIUM = "medium", "Medium"
    HIGH = "high", "High"
    CRITICAL = "critical", "Critical"


SEVERITY_ORDER = {severity: rank for rank, severity in enumerate(Severity)}


class Disposition(models.TextChoices):
    """Why an investigation was closed; `verdict_id` at OCSF export."""

    UNDETERMINED = "undetermined", "Undetermined"
    TRUE_POSITIVE = "true_positive", "True positive"
    BENIGN_POSITIVE = "benign_positive", "Benign positive"
    FALSE_POSITIVE = "false_positive", "False positive"
    AUTHORISED_SCAN = "authorised_scan", "Authorised scan"
    KNOWN_SCANNER = "known_scanner", "Known scanner"
    NOISE = "noise", "Internet noise"
    DUPLICATE = "duplicate", "Duplicate"


class Role(models.TextChoices):
    """What a person may do; access.py says which role may do what."""

    VIEWER = "viewer", "Viewer"
    ANALYST = "analyst", "Analyst"
    LEAD = "lead", "Lead"
    ADMIN = "admin", "Admin"
    AUDITOR = "auditor", "Auditor"


class RunStatus(models.TextChoices):
    """State of a playbook run or of one of its steps."""

    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"


class TimelineKind(models.TextChoices):
    """What a timeline entry tells."""

    OPENED = "opened", "Opened"
    ALERTS = "alerts", "Alerts"
    SUBMITTED = "submitted", "Submitted"
    DECIDED = "decided", "Decided"
    CLAIMED = "claimed", "Claimed"
    RELEASED = "released", "Released"
    ESCALATED = "escalated", "Escalated"
    DISMISSED = "dismissed", "Dismissed"
    REOPENED = "reopened", "Reopened"
    COMMENT = "comment", "Comment"


class TokenScope(models.TextChoices):
    """What an API token may do."""

    INGEST = "ingest:write", "Send alerts"
    READ = "investigation:read", "Read investigations"
    WRITE = "investigation:write", "Submit and decide"
    AUDIT = "audit:read", "Read the audit history"


class Mode(models.TextChoices):
    """Whether a rule of the policy acts, or only says what it would do."""

    ACT = "act", "Acts"
    PROPOSE = "propose", "Only proposes"


class ListKind(models.TextChoices):
    """What an entry of our own lists says about an address, a network or a domain."""

    ALLOW = "allow", "Allowed"
    DENY = "deny", "Denied"
    OWN_NETWORK = "own_network", "Own network"
    AUTHORISED_SCANNER = "authorised_scanner", "Authorised scanner"
    KNOWN_SERVICE = "known_service", "Known-good service"


class ListState(models.TextChoices):
    """How an entry stands to one investigation; only an authorised scanner can be anywhere but in force."""

    IN_FORCE = "in_force", "In force"
    OUTSIDE_WINDOW = "outside_window", "Outside its window"
    OUTSIDE_SCOPE = "outside_scope", "Outside its scope"
    EXPIRED = "expired", "Expired"


class Remembers(models.TextChoices):
    """What an earlier decision of a person was about."""

    SOURCE = "source", "This source"
    NETWORK = "network", "Its network"
    SIGNATURE = "signature", "The same signature"


class Opinion(models.TextChoices):
    """What a person who reviews a sampled dismissal, without knowing the machine's decision, would have done."""

    DISMISS = "dismiss", "Dismiss"
    ESCALATE = "escalate", "Escalate"
    UNSURE = "unsure", "Cannot tell"


class BacktestState(models.TextChoices):
    """Where a backtest stands."""

    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Failed"
