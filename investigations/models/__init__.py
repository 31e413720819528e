"""Tables, constraints and transitions; a transition is a filtered UPDATE with its timeline and audit rows."""

from investigations.models.alert import Alert, AlertBin, ScannedHost, ScannedPort
from investigations.models.artifact import Artifact, InvestigationArtifact
from investigations.models.audit import Actor, AuditEvent
from investigations.models.backtest import Backtest, BacktestChange
from investigations.models.brakes import Automation, RuleBrake, SampleReview
from investigations.models.decision import Decision
from investigations.models.enrichment import Enrichment
from investigations.models.investigation import InvalidTransition, Investigation
from investigations.models.lists import ListEntry, OpenPort
from investigations.models.playbook import PlaybookRun, PlaybookStep
from investigations.models.policy import ActivationRequest, PolicyDraft, PolicyVersion, Proposal
from investigations.models.provider import ProviderSettings
from investigations.models.timeline import TimelineEvent
from investigations.models.token import ApiToken
from investigations.models.user import User

__all__ = [
    "ActivationRequest",
    "Actor",
    "Alert",
    "AlertBin",
    "ApiToken",
    "Artifact",
    "AuditEvent",
    "Automation",
    "Backtest",
    "BacktestChange",
    "Decision",
    "Enrichment",
    "InvalidTransition",
    "Investigation",
    "InvestigationArtifact",
    "ListEntry",
    "OpenPort",
    "PlaybookRun",
    "PlaybookStep",
    "PolicyDraft",
    "PolicyVersion",
    "Proposal",
    "ProviderSettings",
    "RuleBrake",
    "SampleReview",
    "ScannedHost",
    "ScannedPort",
    "TimelineEvent",
    "User",
]
