"""How values are shown: hostile text made visible, addresses defanged, times with their zone, verdicts as shapes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import idna
from django import template
from django.contrib.auth.models import AnonymousUser
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.timezone import localtime, now
from django.utils.translation import ngettext

from investigations import access
from investigations.artifacts import defang as defang_value
from investigations.choices import ADDRESS_KINDS, Severity, Verdict
from investigations.models import AuditEvent, ListEntry, User
from investigations.policy.windows import windows_in_words
from investigations.ports import PORT_NAMES
from investigations.queries.audit import Change, changes_of
from investigations.queries.keyset import COUNT_CAP

register = template.Library()

# Line and paragraph separators, controls, formats (bidi, zero-width), surrogates and private characters
HIDDEN = frozenset({"Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn"})
UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))
FRESH_SECONDS = 60


@register.filter
def visible(value: Any, kept: str = "") -> str:
    """The text with every character that hides or reorders others as an escape: `⟨U+202E⟩`. `kept` ones stay."""
    return "".join(char if char in kept else _shown(char) for char in str(value))


def _shown(char: str) -> str:
    return f"⟨U+{ord(char):04X}⟩" if unicodedata.category(char) in HIDDEN else char


@register.filter
def visible_lines(value: Any) -> str:
    """Like `visible`, for text of several lines."""
    return visible(str(value).replace("\r\n", "\n"), "\n\t")


@register.filter
def defang(value: Any) -> str:
    """An address or domain that nobody can click by accident, with nothing hidden in it."""
    return visible(defang_value(str(value)))


@register.simple_tag
def artifact(value: str, kind: str) -> str:
    """An artifact in monospace; a domain defanged, and with its name in Unicode if it has one."""
    if kind in ADDRESS_KINDS:
        return format_html('<code class="artifact">{}</code>', visible(value))
    name = unicode_name(value)
    spoken = format_html(' <span class="quiet">({})</span>', defang(name)) if name != value else ""
    return format_html('<code class="artifact">{}</code>{}', defang(value), spoken)


def unicode_name(domain: str) -> str:
    """`münchen.example` for `xn--mnchen-3ya.example`; the domain itself if it cannot be read."""
    if "xn--" not in domain:
        return domain
    try:
        return idna.decode(domain)
    except (idna.IDNAError, UnicodeError):
        return domain


@register.filter
def moment(value: datetime | None) -> str:
    """`24 Nov 2026 14:02:11 CET` as a time element."""
    if value is None:
        return ""
    return _time(value, exact(value))


@register.filter
def clock(value: datetime | None) -> str:
    """The time of day as a time element, with its date if that is not today."""
    if value is None:
        return ""
    local = localtime(value)
    today = local.date() == localtime().date()
    return _time(value, f"{local:%H:%M:%S}" if today else f"{local.day} {local:%b %H:%M}")


@register.filter
def since(value: datetime | None) -> str:
    """How old, as a time element: `now`, `4 min`, `3 h`, `2 d`."""
    return _time(value, age(value)) if value else ""


def age(value: datetime) -> str:
    seconds = (now() - value).total_seconds()
    for unit, size in UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "now" if seconds > -FRESH_SECONDS else "in the future"


def exact(value: datetime) -> str:
    local = localtime(value)
    return f"{local.day} {local:%b %Y %H:%M:%S} {local.tzname()}"


def _time(value: datetime, text: str) -> str:
    stamp = value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return format_html('<time datetime="{}" title="{}">{}</time>', stamp, exact(value), text)


@register.filter
def older_than(value: datetime | None, minutes: int) -> bool:
    return value is not None and (now() - value).total_seconds() > minutes * 60


@register.filter
def capped(count: int) -> str:
    """A count of queries.keyset.capped_count: `284`, or `1,000+`."""
    return f"{COUNT_CAP:,}+" if count > COUNT_CAP else f"{count:,}"


@register.filter
def counted(count: int, noun: str) -> str:
    """`1 port`, `1,024 ports`, `3 addresses`."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{count:,} {ngettext(noun, plural, count)}"


BRAKE_WORDS = {
    "automation.stopped": "stopped all dismissals",
    "automation.tripped": "stopped all dismissals by itself",
    "automation.started": "started dismissals again",
    "automation.configured": "changed the brakes",
    "rule.tripped": "tripped",
    "rule.released": "released",
    "rule.capped": "set caps of",
    "rule.undone": "undid the dismissals of",
}


@register.filter
def brake_words(action: str) -> str:
    """What an audit event about the brakes tells."""
    return BRAKE_WORDS.get(action, action)


@register.filter
def windows(entry: ListEntry) -> str:
    """When an authorised scanner may scan: `Mon–Fri 22:00–04:00 (Europe/Berlin)`."""
    return windows_in_words(entry.windows, entry.zone)


@register.filter
def duration(seconds: int) -> str:
    """`6 h`, `30 min`, `45 s`; `not kept` for none."""
    for unit, size in UNITS:
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s" if seconds else "not kept"


@register.filter
def port_name(port: int) -> str:
    """The service that usually listens there, or nothing."""
    return PORT_NAMES.get(port, "")


@register.filter
def changes(event: AuditEvent) -> Iterable[Change]:
    return changes_of(event)


@register.filter
def may(user: User | AnonymousUser, right: str) -> bool:
    return access.may(user, right)


@register.simple_tag
def icon(name: str) -> str:
    """A decorative icon of the sprite."""
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', static("icons.svg"), name)


@register.simple_tag
def shape(name: str, words: str) -> str:
    """The shape of an answer, with what it says for everybody who cannot see it."""
    return format_html(
        '<svg class="shape {0}" role="img" aria-label="{1}"><title>{1}</title><use href="{2}#{0}"></use></svg>',
        name,
        visible(words),
        static("icons.svg"),
    )


@register.simple_tag
def mark(name: str) -> str:
    """The same shape where the words stand beside it."""
    return format_html(
        '<svg class="shape {0}" aria-hidden="true"><use href="{1}#{0}"></use></svg>', name, static("icons.svg")
    )


@register.simple_tag
def verdict(value: str, word: str = "") -> str:
    """A verdict as word, shape and tint; `word` replaces the verdict's own name."""
    text = word or (Verdict(value).label if value in Verdict.values else value.capitalize())
    return format_html(
        '<span class="verdict {0}"><svg class="shape" aria-hidden="true"><use href="{1}#{0}"></use></svg>{2}</span>',
        value,
        static("icons.svg"),
        text,
    )


@register.simple_tag
def severity(value: str) -> str:
    return format_html('<span class="tag severity-{}">{}</span>', value, Severity(value).label.lower())


@register.filter
def is_outside_link(value: str) -> bool:
    """Whether a provider's link may be one: http or https, with a host, and nothing hidden in it."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and visible(value) == value
