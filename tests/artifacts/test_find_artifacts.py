"""Artifacts in a paste: taken, refused with a reason, or ordinary words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from investigations.artifacts import MAX_REFUSED, find_artifacts, normalise_address, normalise_domain
from investigations.choices import ArtifactKind


def values(text: str) -> list[str]:
    found = find_artifacts(text)
    assert found.refused == []
    return [artifact.value for artifact in found.accepted]


def reason(text: str) -> str:
    found = find_artifacts(text)
    assert found.accepted == []
    [refused] = found.refused
    return refused.reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("203.0.113.7\n198.51.100.9\r\n", ["203.0.113.7", "198.51.100.9"]),
        ("203.0.113.7, 2001:db8::1;a.example|b.example", ["203.0.113.7", "2001:db8::1", "a.example", "b.example"]),
        ('"when","src"\n"10:20","203.0.113.7"', ["203.0.113.7"]),
        ("We saw 203.0.113.7 (see www.example.com), then nothing.", ["203.0.113.7", "www.example.com"]),
        ("203[.]0[.]113[.]7 and evil[dot]example", ["203.0.113.7", "evil.example"]),
        ("hxxps://user:pw@evil.example:8443/a.php?to=192.0.2.1#x", ["evil.example"]),
        ("http://203.0.113.7/", ["203.0.113.7"]),
        ("http://[2001:db8::1]:8080/x", ["2001:db8::1"]),
        ("<mailto:someone@mail.example.com>", ["mail.example.com"]),
        ("203.0.113.7:8080", ["203.0.113.7"]),
        ("[2001:db8::1]:443", ["2001:db8::1"]),
        ("www.example.com:443", ["www.example.com"]),
        ("www.example.com/path/file.exe", ["www.example.com"]),
        ("203.0.113.7/32 2001:db8::7/128", ["203.0.113.7", "2001:db8::7"]),
        ("src=203.0.113.7 dst=198.51.100.9", ["203.0.113.7", "198.51.100.9"]),
        ("IP:203.0.113.7 domain:www.example.com", ["203.0.113.7", "www.example.com"]),
        ("203.0.113.7->198.51.100.9", ["203.0.113.7", "198.51.100.9"]),
        ("203.0.113.7 203[.]0.113.7 ::ffff:203.0.113.7", ["203.0.113.7"]),
        ("WWW.Example.COM www.example.com.", ["www.example.com"]),
        ("*.wild.example", ["wild.example"]),
        ("::1 2001:db8:: fe80::1%eth0", ["::1", "2001:db8::", "fe80::1"]),
        ("host.corp.internal printer.local a.test", ["host.corp.internal", "printer.local", "a.test"]),
        ("bücher.example", ["xn--bcher-kva.example"]),
    ],
)  # fmt: skip
def test_it_finds_what_was_pasted(text: str, expected: list[str]) -> None:
    assert values(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "   \n", "Ordinary words, and/or e.g. these; i.e. at 12:30 or 10:20:30.", "3.5 % of v1.2.3 in the U.S.",
        "std::string a:b http https:// @handle ... -- == 1,000 00:00:5e:00:53:01", "(((", "::::", "x" * 5000,
    ],
)  # fmt: skip
def test_it_passes_over_ordinary_words(text: str) -> None:
    found = find_artifacts(text)
    assert found.accepted == []
    assert [refused for refused in found.refused if "link" not in refused.reason] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("999.1.2.3", "not an IP address"),
        ("203.0.113", "not an IP address"),
        ("203.0.113.7.8", "not an IP address"),
        ("2001:db8::1::2", "not an IP address"),
        ("1:2:3:4:5:6:7:8:9", "not an IP address"),
        ("example.c0m", "not a domain name"),
        ("a" * 64 + ".example", "not a domain name"),
        ("host.nosuchtld", ".nosuchtld is not a known top-level domain"),
        ("http://host.nosuchtld/", ".nosuchtld is not a known top-level domain"),
        ("10.0.0.0/8", "a network of 16,777,216 addresses: give single addresses"),
        ("203.0.113.7/31", "a network of 2 addresses: give single addresses"),
        ("2001:db8::/127", "a network of 2 addresses: give single addresses"),
        ("203.0.113.0/33", "not an IP address or network"),
        ("203.0.113.1-203.0.113.9", "a range: give single addresses"),
        ("http://localhost/", "no address or domain in this link"),
    ],
)
def test_it_refuses_with_a_reason(text: str, expected: str) -> None:
    assert reason(text) == expected


@pytest.mark.parametrize("name", ["report.pdf", "evil.exe", "alerts.csv", "archive.zip", "run.sh", "script.py", "x.pl"])
def test_it_does_not_take_a_file_for_a_domain(name: str) -> None:
    assert reason(name) == "looks like a file name"
    assert reason(f"(see {name}).") == "looks like a file name"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("archive[.]zip", "archive.zip"), ("http://run.sh/x", "run.sh"), ("script(dot)py", "script.py")],
)
def test_it_takes_a_domain_that_looks_like_a_file_when_written_as_one(text: str, expected: str) -> None:
    assert values(text) == [expected]


def test_it_does_not_take_a_defanged_file_for_a_domain() -> None:
    assert reason("evil[.]exe") == "looks like a file name"


def test_it_says_what_and_how_it_was_written() -> None:
    [address, domain] = find_artifacts("2001[:]db8::1 hxxp://evil[.]example/").accepted
    assert (address.kind, address.value, address.text) == (ArtifactKind.IPV6, "2001:db8::1", "2001[:]db8::1")
    assert (domain.kind, domain.value, domain.text) == (ArtifactKind.DOMAIN, "evil.example", "hxxp://evil[.]example/")


def test_it_takes_no_more_than_the_limit() -> None:
    found = find_artifacts(" ".join(f"10.0.0.{number}" for number in range(10)), limit=4)
    assert [artifact.value for artifact in found.accepted] == [f"10.0.0.{number}" for number in range(4)]
    assert {refused.reason for refused in found.refused} == {"over the limit of 4"}
    assert len(found.refused) == 6


def test_it_counts_the_refusals_that_it_does_not_list() -> None:
    found = find_artifacts(" ".join(f"999.0.0.{number}" for number in range(MAX_REFUSED + 50)))
    assert (len(found.refused), found.unlisted) == (MAX_REFUSED, 50)


@pytest.mark.parametrize(
    "part", ["1.", "a.", "a:", "[.]", "(", "://", "@", "=.", "/", "0:", "[", "::", "1.1.1.1/", "h**p", "%"]
)
def test_it_reads_a_long_hostile_word_in_bounded_depth(part: str) -> None:
    for text in (part * 100_000, (part * 900 + " ") * 50):
        found = find_artifacts(text)
        assert len(found.accepted) + len(found.refused) + found.unlisted <= 2000


@given(st.text(st.sampled_from("1a.:/[]()@=%-_ \n,hxdot7#\\ü\ud800"), max_size=60) | st.text())
def test_it_accepts_only_canonical_values(text: str) -> None:
    for artifact in find_artifacts(text).accepted:
        if artifact.kind == ArtifactKind.DOMAIN:
            assert normalise_domain(artifact.value) == artifact.value
        else:
            assert normalise_address(artifact.value) == artifact.value
