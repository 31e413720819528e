"""What every parser produces: `AlertRecord` for an alert, `Rejected` for what could not be read, or a skip.

All of ingest/ is pure: bytes in, records out; no database, no network, no clock (the time of receipt is an argument).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from investigations.choices import Severity

MAX_RAW = 16 * 1024  # characters of the original kept with an alert
MAX_TEXT = 500  # characters kept of a name, category or domain
MAX_SENSOR = 100  # characters kept of a sensor's name
MAX_ID = 60  # characters kept of a rule's id and of a raw severity
MAX_PROTOCOL = 20  # characters kept of a protocol's name


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """One alert, normalised. Addresses are canonical text (`str(ipaddress.ip_address(x))`), times are aware UTC."""

    format: str  # name of the parser
    dedup_key: str  # 64 hex characters; equal for two copies of one alert
    happened: datetime
    attacker: str
    signature: str
    raw: str  # the original, at most MAX_RAW characters, without NUL
    time_guessed: bool = False  # the record had no usable time or no zone
    attacker_reason: str = "source address"  # why this side is the attacker
    source: str | None = None
    source_port: int | None = None
    destination: str | None = None
    destination_port: int | None = None
    protocol: str = ""  # lower case: tcp, udp, icmp ...
    victim: str | None = None
    victim_port: int | None = None  # the port that was probed
    signature_id: str = ""
    category: str = ""
    severity: Severity = Severity.LOW
    raw_severity: str = ""
    domain: str = ""  # name of ours that was asked for (Host, SNI, DNS query), lower case, no dot at the end
    techniques: tuple[str, ...] = ()  # ATT&CK ids, e.g. T1595.001
    answered: bool | None = None  # did something of ours answer; None: the alert does not tell
    is_recon: bool = True
    sensor: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that could not be read; `index` counts records from 0 in the order of arrival."""

    index: int
    error: str


@dataclass(slots=True)
class ParsedBatch:
    """All of one payload: read = len(alerts) + skipped + len(rejected)."""

    alerts: list[AlertRecord] = field(default_factory=list)
    skipped: int = 0
    rejected: list[Rejected] = field(default_factory=list)

    @property
    def read(self) -> int:
        return len(self.alerts) + self.skipped + len(self.rejected)


class RecordError(ValueError):
    """One record cannot be read; the message is shown to the sender."""
