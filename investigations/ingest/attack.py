"""ATT&CK techniques from an alert. Rules for scans hardly ever carry them, so the map is ours.

Ids are those of Enterprise ATT&CK 18. The same act is reconnaissance (TA0043) from outside and discovery (TA0007)
or lateral movement (TA0008) from inside our networks.
"""

from __future__ import annotations

import re
from functools import lru_cache

from investigations.ingest.signatures import BRUTE_FORCE, SCAN_CATEGORIES, WORDLIST, Kind, kind_of

ACTIVE_SCANNING = "T1595"
SCANNING_IP_BLOCKS = "T1595.001"
VULNERABILITY_SCANNING = "T1595.002"
WORDLIST_SCANNING = "T1595.003"
PASSWORD_GUESSING = "T1110.001"
SERVICE_DISCOVERY = "T1046"
SYSTEM_DISCOVERY = "T1018"
SHARE_DISCOVERY = "T1135"
GATHER_SOFTWARE = "T1592.002"
GATHER_DNS = "T1590.002"
GATHER_EMAIL = "T1589.002"
SEARCH_OWN_SITES = "T1594"
EXPLOIT_PUBLIC = "T1190"
EXPLOIT_REMOTE = "T1210"

WEB_PROBING = "access to a potentially vulnerable web application"

# (what the name shows, techniques from outside, techniques from inside): the first that fits.
MAP: tuple[tuple[re.Pattern[str], tuple[str, ...], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), outside, inside)
    for pattern, outside, inside in (
        (r"zone transfer|\baxfr\b", (GATHER_DNS,), (SERVICE_DISCOVERY,)),
        (r"\bsip\b.*(?:scan|enumerat)|sipvicious|friendly-scanner", (SCANNING_IP_BLOCKS,), (SERVICE_DISCOVERY,)),
        (r"\b(?:vrfy|expn)\b|(?:user|e?mail|owa|o365)\S* ?enumerat", (GATHER_EMAIL,), (GATHER_EMAIL,)),
        (r"crawl|spider\b", (SEARCH_OWN_SITES,), ()),
        (
            r"nessus|nikto|openvas|qualys|acunetix|netsparker|sqlmap|nuclei|wpscan|w00tw00t|zmeu|morfeus|muieblackcat"
            r"|vulnerab|\bcve-\d|nmap (?:scripting|user-agent)|nmap.*user-agent|phpmyadmin|tomcat|phpinfo|easter",
            (VULNERABILITY_SCANNING,),
            (SERVICE_DISCOVERY,),
        ),
        (r"netbios.*share|smb.*share|share enumerat", (ACTIVE_SCANNING,), (SHARE_DISCOVERY,)),
        (r"nbtstat|arp (?:scan|sweep)|\bping\b|\bicmp\b", (SCANNING_IP_BLOCKS,), (SYSTEM_DISCOVERY,)),
        (r"sweep|masscan|zmap|zgrab|address.?scan|host scan|behavioral unusual port|potential \w+ scan",
         (SCANNING_IP_BLOCKS,), (SERVICE_DISCOVERY,)),
        (r"fingerprint|banner|user.?agent|sysdescr|os detection|version (?:request|probe)",
         (ACTIVE_SCANNING, GATHER_SOFTWARE), (SERVICE_DISCOVERY,)),
        (r"scan|nmap|probe|enumerat", (ACTIVE_SCANNING,), (SERVICE_DISCOVERY,)),
    )
)  # fmt: skip
_SERVER_ATTACK = re.compile(r"WEB_SERVER|WEB_SPECIFIC_APPS|EXPLOIT\b|inject|traversal|execution|overflow|RCE\b|CVE-")


@lru_cache(maxsize=20_000)
def techniques_for(name: str, category: str, from_inside: bool, to_inside: bool) -> tuple[str, ...]:
    """What the alert shows; empty where it shows nothing (a policy rule, our own browser going out)."""
    kind = kind_of(name, category)
    if kind is Kind.ATTACK:
        return _for_attack(name, from_inside)
    if kind is Kind.OTHER:
        return ()
    return _for_scan(name, category, from_inside, to_inside)


def _for_attack(name: str, from_inside: bool) -> tuple[str, ...]:
    if BRUTE_FORCE.search(name):
        return (PASSWORD_GUESSING,)
    if _SERVER_ATTACK.search(name):
        return (EXPLOIT_REMOTE,) if from_inside else (EXPLOIT_PUBLIC,)
    return ()


def _for_scan(name: str, category: str, from_inside: bool, to_inside: bool) -> tuple[str, ...]:
    if WORDLIST.search(name):
        return (WORDLIST_SCANNING,)
    if category.lower() == WEB_PROBING and not from_inside:
        return (VULNERABILITY_SCANNING,)
    outgoing = from_inside and not to_inside
    for pattern, outside, inside in MAP:
        if pattern.search(name) and not (outgoing and GATHER_SOFTWARE in outside):
            return inside if from_inside else outside
    if category.lower() in SCAN_CATEGORIES and not outgoing:
        return (SERVICE_DISCOVERY,) if from_inside else (ACTIVE_SCANNING,)
    return ()
