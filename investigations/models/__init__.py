"""Tables, constraints and transitions; a transition is a filtered UPDATE with its timeline and audit rows."""

from investigations.models.alert import Alert, AlertBin, ScannedHost, ScannedPort
from investigations.models.artifact import Artifact, InvestigationArtifact
from investigations.models.audit import Actor, AuditEvent
from investigations.models.decision import Decision, PolicyVersion
from investigations.models.enrichment import Enrichment
from investigations.models.investigation import InvalidTransition, Investigation
from investigations.models.playbook import PlaybookRun, PlaybookStep
from investigations.models.provider import ProviderSettings
from investigations.models.timeline import TimelineEvent
from investigations.models.token import ApiToken
from investigations.models.user import User

__all__ = [
    "Actor",
    "Alert",
    "AlertBin",
    "ApiToken",
    "Artifact",
    "AuditEvent",
    "Decision",
    "Enrichment",
    "InvalidTransition",
    "Investigation",
    "InvestigationArtifact",
    "PlaybookRun",
    "PlaybookStep",
    "PolicyVersion",
    "ProviderSettings",
    "ScannedHost",
    "ScannedPort",
    "TimelineEvent",
    "User",
]
