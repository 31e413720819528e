"""Addresses and domains as plain values: their one canonical text, where they live, and how to find them in a paste."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import NoReturn

import idna
import tldextract

from investigations.choices import ArtifactKind, Scope

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address
type Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_ADDRESS = 200  # characters looked at: 45 of an address and a generous zone id
MAX_DOMAIN = 253  # characters, RFC 1035
MAX_TOKEN = 2000  # characters of one pasted word that are looked at
MAX_SHOWN = 200  # characters of a pasted word that are shown again
MAX_REFUSED = 1000  # refusals that are listed; further ones are counted

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
V4_COMPATIBLE = ipaddress.IPv6Network("::/96")
INTERNAL_NETWORKS: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "fc00::/7", "::1/128", "fe80::/10",
    )
)  # fmt: skip
TEST_NETWORKS: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)
# Newer assignments that are not reachable, which some versions of `ipaddress` still call global.
UNROUTED_NETWORKS: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text) for text in ("192.88.99.0/24", "3fff::/20", "5f00::/16", "64:ff9b:1::/48", "fec0::/10")
)

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?:[a-z]{{2,63}}|xn--[a-z0-9-]{{1,58}}[a-z0-9])")
SPECIAL_TOP_LEVELS = frozenset({"example", "test", "internal", "local"})
# Names that only mean something inside a house (RFC 6761, 6762, 8375, 9476), and names that nobody can register
INTERNAL_SUFFIXES = frozenset(
    {"internal", "local", "localdomain", "localhost", "lan", "home", "corp", "intranet", "home.arpa"}
)
RESERVED_SUFFIXES = frozenset({"example", "test", "invalid", "onion", "arpa", "alt"})
_FILE_EXTENSION = re.compile(
    "7z|apk|aspx?|avi|bak|bash|bat|bin|bmp|bz2|cab|cfg|cgi|class|cmd|conf|cpp|css|csv|dat|db|deb|dll|dmg|docm?|docx|dot"
    "|elf|eml|exe|gif|go|gz|hta|html?|ico|img|ini|iso|jar|java|jpe?g|js|json|jsp|key|lnk|log|md|mov|mp[34]|msg|msi|odt"
    "|ova|pcap|pcapng|pdf|pem|php|pl|png|pptx?|ps1?|pyc?|rar|rb|rpm|rs|rtf|scr|sh|so|sql|sqlite|svg|swf|sys|tar|tgz|tif"
    "|tmp|ts|tsv|txt|vbs|wav|war|wasm|xlsm?|xlsx|xml|xz|ya?ml|zip|zst"
)


def normalise_address(text: str) -> str | None:
    """Canonical text of an IP address without brackets and zone id, an IPv4-mapped one as IPv4; None if it is none."""
    if len(text) > MAX_ADDRESS:
        return None
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    if ":" in text:
        text = text.partition("%")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if address.version == 6 else None
    return str(mapped or address)


def normalise_domain(text: str) -> str | None:
    """Canonical text of a domain: lower case, punycode, no dot at the end; None if it is none."""
    text = text.strip()
    if len(text) > MAX_DOMAIN + 1:
        return None
    try:
        name = text.lower() if text.isascii() else _punycode(text)
    except (idna.IDNAError, UnicodeError):
        return None
    name = name.removesuffix(".")
    return name if len(name) <= MAX_DOMAIN and _DOMAIN.fullmatch(name) else None


def _punycode(text: str) -> str:
    # Label by label, because `idna.encode` refuses the underscore that service names have.
    labels = idna.uts46_remap(text, std3_rules=False, transitional=False).split(".")
    return ".".join(label if label.isascii() else idna.alabel(label).decode() for label in labels)


def kind_of(address: str) -> ArtifactKind:
    """IPV4 or IPV6 for a canonical address."""
    return ArtifactKind.IPV6 if ":" in address else ArtifactKind.IPV4


def scope_of(address: str, own_networks: Iterable[Network], test_networks: bool = False) -> Scope:
    """Where an address lives. An address that carries another (NAT64, 6to4, Teredo) lives where the inner one does.

    Own networks win over everything; with `test_networks` the documentation ranges count as public.
    Raises ValueError for text that is no address.
    """
    outer = ipaddress.ip_address(address)
    inner = _carried(outer) or outer
    if any(inner in network or outer in network for network in own_networks) or _within(inner, INTERNAL_NETWORKS):
        return Scope.INTERNAL
    if test_networks and _within(inner, TEST_NETWORKS):
        return Scope.PUBLIC
    unreachable = inner.is_multicast or inner.is_reserved or _within(inner, UNROUTED_NETWORKS)
    return Scope.PUBLIC if inner.is_global and not unreachable else Scope.RESERVED


def domain_scope(domain: str, *, test_networks: bool = False) -> Scope:
    """Where a canonical domain lives. Only PUBLIC names may be named to an outside provider.

    With `test_networks` the documentation names (`.example`, `.test`) count as public.
    """
    labels = domain.split(".")
    suffixes = {labels[-1], ".".join(labels[-2:])}
    if suffixes & INTERNAL_SUFFIXES:
        return Scope.INTERNAL
    if test_networks and labels[-1] in ("example", "test"):
        return Scope.PUBLIC
    return Scope.RESERVED if suffixes & RESERVED_SUFFIXES else Scope.PUBLIC


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


def _carried(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address is a wrapping of."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in NAT64 or (address in V4_COMPATIBLE and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


@cache
def _suffixes() -> tldextract.TLDExtract:
    """The public suffix list that comes with tldextract; never fetched."""
    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)


def registrable_domain(domain: str) -> str:
    """The part somebody registered (`a.b.example.co.uk` -> `example.co.uk`), else the last two labels."""
    return _suffixes()(domain).top_domain_under_public_suffix or ".".join(domain.split(".")[-2:])


def has_known_top_level(domain: str) -> bool:
    """Whether the last label exists in the DNS or is set aside for local use, tests or documentation."""
    return domain.rpartition(".")[2] in SPECIAL_TOP_LEVELS or bool(_suffixes()(domain).suffix)


_DEFANGED = re.compile(
    r"(?P<http>\bh(?:xx|\*\*)p)|(?P<separator>\[://\])|(?P<dot>[\[({](?:\.|dot)[\])}]|\\\.)"
    r"|(?P<colon>\[:\])|(?P<slash>\[/\])|(?P<at>[\[({](?:@|at)[\])}])",
    re.IGNORECASE,
)
_REFANGED = {"http": "http", "separator": "://", "dot": ".", "colon": ":", "slash": "/", "at": "@"}


def refang(text: str) -> str:
    """Undo what people do to make an address or a link harmless: `hxxps://`, `[.]`, `(dot)`, `[:]`, `[at]` ..."""
    return _DEFANGED.sub(lambda match: _REFANGED[match.lastgroup or ""], text)


def defang(value: str) -> str:
    """An address, domain or URL that nobody can click by accident; `refang` undoes it."""
    scheme, separator, rest = value.rpartition("://")
    host, slash, path = rest.partition("/")
    mark = "." if "." in host else ":"
    left, found, right = host.rpartition(mark)
    return f"{re.sub('^http', 'hxxp', scheme)}{separator}{left}{f'[{found}]' if found else ''}{right}{slash}{path}"


@dataclass(frozen=True, slots=True)
class Found:
    """One artifact of a paste; `text` is how it was written."""

    kind: ArtifactKind
    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Something that looks like an artifact and cannot be taken."""

    text: str
    reason: str


@dataclass(slots=True)
class FoundArtifacts:
    """What a paste holds, in its order, each once; `unlisted` counts the refusals beyond the first MAX_REFUSED."""

    accepted: list[Found] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    unlisted: int = 0


class _RefusedError(ValueError):
    """The word looks like an artifact and is none; the message is the reason."""


_WORD = re.compile(r"""[^\s,;|"'<>`]+""")
_CANDIDATE = re.compile("[.:]|dot", re.IGNORECASE)  # the cheap test that most words fail
_BRACKETS_AND_MARKS = "()[]{}.,;!?*-…“”‘’«»"
_URL = re.compile(r"[a-z][a-z0-9+.-]{0,30}://(?P<host>[^/?#\\]*)", re.IGNORECASE)
_PATH = re.compile(r"[/?#\\]")
_WITH_PORT = re.compile(r"(?:\[?(?P<bracketed>[^\[\]]+)\]|(?P<host>[^\[\]:]+)):\d{1,5}")
_NETWORK = re.compile(r"\[?(?P<address>[0-9a-fA-F:.]+)\]?/(?P<prefix>\d{1,3})")
_NAMED = re.compile(r"[A-Za-z][A-Za-z_-]{0,30}:(?P<value>.+)")
_RANGE = re.compile(r"\d+(?:\.\d+){3}-[\d.]+")
_NUMBERS = re.compile(r"\d+(?:\.\d+){2,}")
_HEXTETS = re.compile(r":*[0-9a-f][0-9a-f:.]*(?:%.*)?", re.IGNORECASE)
_NAME = re.compile(r"[\w-]+(?:\.[\w-]+)+")
_ORDINARY = re.compile(r"v?\d+(?:\.\d+)+\w?|.*\.[^\W\d]")  # 3.5, v1.2.3, e.g, U.S


def find_artifacts(text: str, limit: int = 500) -> FoundArtifacts:
    """Addresses and domains in a text as it was pasted: lists, CSV, prose, URLs, e-mail addresses, defanged or not.

    What looks like an attempt at one is refused with a reason; ordinary words are passed over. Linear in the text.
    """
    result = FoundArtifacts()
    seen: set[tuple[bool, str]] = set()
    for match in _WORD.finditer(text):
        for part, outcome in _read_word(match.group()[:MAX_TOKEN]):
            taken = isinstance(outcome, str)
            key = (taken, str(outcome) if taken else part)
            if key not in seen:
                seen.add(key)
                _keep(result, part[:MAX_SHOWN], outcome, limit)
    return result


def _keep(result: FoundArtifacts, text: str, outcome: str | _RefusedError, limit: int) -> None:
    if isinstance(outcome, str) and len(result.accepted) < limit:
        kind = kind_of(outcome) if normalise_address(outcome) else ArtifactKind.DOMAIN
        result.accepted.append(Found(kind, outcome, text))
    elif len(result.refused) < MAX_REFUSED:
        reason = f"over the limit of {limit}" if isinstance(outcome, str) else str(outcome)
        result.refused.append(Refused(text, reason))
    else:
        result.unlisted += 1


def _read_word(word: str) -> Iterator[tuple[str, str | _RefusedError]]:
    """The outcomes of one word, each with how it was written; `key=value` is read on both sides."""
    if not _CANDIDATE.search(word):
        return
    is_link = _URL.match(_bare(refang(word)))
    for part in [word] if is_link else word.split("="):
        plain = refang(part)
        try:
            value = _read(_bare(plain), explicit=plain != part)
        except _RefusedError as error:
            yield part, error
        else:
            if value:
                yield part, value


def _bare(word: str) -> str:
    """The word without the brackets and punctuation around it; a `::` at either end belongs to an address."""
    word = word.strip(_BRACKETS_AND_MARKS)
    return word if word.endswith("::") else word.rstrip(":" + _BRACKETS_AND_MARKS)


def _read(word: str, explicit: bool) -> str | None:
    """The artifact in one word; None for an ordinary word. `explicit`: written in a way no file name is."""
    if url := _URL.match(word):
        value = _read_host(url["host"].rpartition("@")[2], explicit=True)
        return value or _refuse("no address or domain in this link")
    if "@" in word:
        return _read_host(word.rpartition("@")[2], explicit=True)
    if (network := _NETWORK.fullmatch(word)) and not network["address"].isalnum():
        return _read_network(network["address"], network["prefix"])
    return _read_host(_PATH.split(word, maxsplit=1)[0], explicit)


def _read_network(address: str, prefix: str) -> str:
    try:
        network = ipaddress.ip_network(f"{address}/{prefix}", strict=False)
    except ValueError:
        return _refuse("not an IP address or network")
    if network.num_addresses > 1:
        return _refuse(f"a network of {network.num_addresses:,} addresses: give single addresses")
    return normalise_address(address) or _refuse("not an IP address")


def _read_host(text: str, explicit: bool) -> str | None:
    """An address or a domain, perhaps with a name before it (`ip:`) or a port behind it."""
    if address := normalise_address(text):
        return address
    if named := _NAMED.fullmatch(text):
        text = named["value"]
    if with_port := _WITH_PORT.fullmatch(text):
        text = with_port["bracketed"] or with_port["host"]
    return normalise_address(text) or _read_domain(text, explicit)


def _read_domain(text: str, explicit: bool) -> str | None:
    if _RANGE.fullmatch(text):
        return _refuse("a range: give single addresses")
    if _NUMBERS.fullmatch(text) or (_HEXTETS.fullmatch(text) and ("::" in text or text.count(":") >= 7)):
        return _refuse("not an IP address")
    if not _NAME.fullmatch(text):
        return None
    domain = normalise_domain(text)
    if domain is None:
        return None if _ORDINARY.fullmatch(text) else _refuse("not a domain name")
    known = has_known_top_level(domain)
    top_level = domain.rpartition(".")[2]
    if _FILE_EXTENSION.fullmatch(top_level) and not (explicit and known):
        return _refuse("looks like a file name")
    return domain if known else _refuse(f".{top_level} is not a known top-level domain")


def _refuse(reason: str) -> NoReturn:
    raise _RefusedError(reason)
