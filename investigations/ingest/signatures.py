"""What a rule's name and category say: a scan, more than a scan, and whether the rule fires on a victim's answer.

Classes are those of the public Emerging Threats and GPL rule sets; other names are read by their words.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache


class Kind(Enum):
    """SCAN: looking for something. ATTACK: more than that. OTHER: policy, protocol errors, reputation lists."""

    SCAN = "scan"
    ATTACK = "attack"
    OTHER = "other"


SCAN_CATEGORIES = frozenset(
    {
        "attempted information leak", "information leak", "large scale information leak",
        "detection of a network scan", "network scan", "reconnaissance", "recon", "discovery", "scan",
        "access to a potentially vulnerable web application", "attempted-recon", "network-scan",
    }
)  # fmt: skip
ATTACK_CATEGORIES = frozenset(
    {
        "a network trojan was detected", "malware command and control activity detected",
        "exploit kit activity detected", "crypto currency mining activity detected",
        "attempted administrator privilege gain", "successful administrator privilege gain",
        "attempted user privilege gain", "successful user privilege gain", "unsuccessful user privilege gain",
        "attempted denial of service", "denial of service", "detection of a denial of service attack",
        "executable code was detected", "web application attack", "credential theft detected",
        "successful credential theft detected", "targeted malicious activity was detected",
        "domain observed used for c2 detected", "possible social engineering attempted",
        "attempt to login by a default username and password",
        "attempted login using a suspicious username was detected",
        "an attempted login using a suspicious username was detected",
        "exploit", "malware", "trojan", "ransomware", "brute force", "bruteforce", "credential access", "intrusion",
    }
)  # fmt: skip
# Categories that a scanner's name does not soften: what happened is already more than looking.
SEVERE_CATEGORIES = ATTACK_CATEGORIES - {"web application attack"}

# The second word of an Emerging Threats or GPL rule name is its class.
_RULE_CLASS = re.compile(r"(?:ET|ETPRO|ET PRO|GPL)\s+([A-Z0-9_]+)\s")
ATTACK_CLASSES = frozenset(
    {
        "ACTIVEX", "ATTACK_RESPONSE", "CNC", "COINMINER", "CURRENT_EVENTS", "DOS", "EXPLOIT", "EXPLOIT_KIT", "MALWARE",
        "MOBILE_MALWARE", "PHISHING", "SHELLCODE", "SQL", "TROJAN", "WEB_CLIENT", "WEB_SPECIFIC_APPS", "WORM",
    }
)  # fmt: skip

BRUTE_FORCE = re.compile(
    r"brute.?forc|password (?:guess|spray)|credential stuffing|login (?:attempt|guess)|failed (?:login|logon|auth)"
    r"|multiple (?:login|logon|authentication) fail|\b(?:hydra|medusa|ncrack)\b",
    re.IGNORECASE,
)
WORDLIST = re.compile(
    r"(?:file|dir(?:ectory)?)\S{0,10} ?brute|dir(?:b|buster|search)\b|gobuster|feroxbuster|\bffuf\b|wfuzz|wordlist"
    r"|(?:fast|multiple|many|excessive) (?:http )?(?:40[0134]|not found|error)|http-probing|http-sensitive-files",
    re.IGNORECASE,
)
TOOL = re.compile(
    r"scan(?:s|ner|ners|ning)?\b|nmap|masscan|zmap|zgrab|nessus|nikto|openvas|qualys|acunetix|netsparker|sqlmap"
    r"|nuclei|wpscan|w00tw00t|zmeu|morfeus|muieblackcat|sipvicious|friendly-scanner|shodan|censys|metasploit scanner",
    re.IGNORECASE,
)
_LOOKING = re.compile(
    r"\bsweep|\bprob(?:e|es|ing)\b|\brecon|fingerprint|enumerat|crawl|banner|traceroute|zone transfer|\baxfr\b"
    r"|icmp.*\bping\b|\bping sweep",
    re.IGNORECASE,
)
_ATTACKING = re.compile(
    r"exploit|execution|inject|traversal|overflow|shell|\bRCE\b|\bCVE-\d{4}|\bXSS\b|cross.site|backdoor|trojan|malware"
    r"|ransomware|bypass|deserialization|file inclusion|privilege|heartbleed|log4j|jndi",
    re.IGNORECASE,
)


@lru_cache(maxsize=20_000)
def kind_of(name: str, category: str) -> Kind:
    """Name first, then category: only about half of all scan rules carry a scan category, and the other way round."""
    category = category.lower()
    rule_class = _rule_class(name)
    if category in SEVERE_CATEGORIES or rule_class in ATTACK_CLASSES:
        return Kind.ATTACK
    if WORDLIST.search(name):
        return Kind.SCAN
    if BRUTE_FORCE.search(name):
        return Kind.ATTACK
    if rule_class == "SCAN" or TOOL.search(name):
        return Kind.SCAN
    if category in ATTACK_CATEGORIES or _ATTACKING.search(name):
        return Kind.ATTACK
    return Kind.SCAN if category in SCAN_CATEGORIES or _LOOKING.search(name) else Kind.OTHER


def _rule_class(name: str) -> str:
    match = _RULE_CLASS.match(name)
    return match[1] if match else ""


# Rules whose header starts at the protected server's port, or that ask for `flow:from_server`.
ANSWER_RULES = frozenset(
    {
        "2002383",  # FTP login failures
        "2009298",  # Xprobe2: port unreachable
        "2009749", "2009884", "2009885",  # many fast 403, 400, 404 answers
        "2009767", "2009768",  # NBTStat answers
        "2010493", "2010494",  # MySQL refuses the host
        "2018755",  # xmlrpc response
        "2021024",  # Heartbleed answer
    }
)  # fmt: skip
_ANSWER_WORDS = re.compile(r"\b(?:response|reply|returned|answer|heartbeat|from server)\b", re.IGNORECASE)
_VICTIM_TALKS = re.compile(r"(?:ET|ETPRO|GPL)\s+ATTACK_RESPONSE\s(?!.*certificate)", re.IGNORECASE)


@lru_cache(maxsize=20_000)
def is_answer(name: str) -> bool:
    """The name speaks of an answer (`… Heartbeat Response`, `403 Forbidden` does not)."""
    return bool(_ANSWER_WORDS.search(name))


@lru_cache(maxsize=20_000)
def is_victims_output(name: str) -> bool:
    """The rule fires on what a compromised host sends out (`id check returned root`): its sender is the victim."""
    return bool(_VICTIM_TALKS.match(name))
