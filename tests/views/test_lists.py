"""The pages of our own lists and of what is open: who sees and changes what, and how it is said."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils.html import escape
from django.utils.timezone import localtime, now

from investigations.choices import ListKind, Role
from investigations.models import Actor, AuditEvent, ListEntry, OpenPort
from investigations.services.inventory import upload
from investigations.services.lists import Entry, add
from tests.views.conftest import HOSTILE

pytestmark = pytest.mark.django_db
LEA = Actor("lea")
VALUES = {"kind": "allow", "value": "203.0.113.7", "label": "Partner", "owner": "lea", "reason": "Monitors our shop"}
NO_WINDOWS = {"windows-TOTAL_FORMS": "0", "windows-INITIAL_FORMS": "0"}
NIGHTS = {
    "windows-TOTAL_FORMS": "2",
    "windows-INITIAL_FORMS": "0",
    "windows-0-days": ["0", "4"],
    "windows-0-begin": "22:00",
    "windows-0-end": "04:00",
}


@pytest.fixture
def as_lead(client: Client, lead: Any) -> Client:
    client.force_login(lead)
    return client


def put(value: str = "203.0.113.7", kind: str = "allow", days: float = 90, **changes: Any) -> ListEntry:
    words = {"label": "Partner", "owner": "lea", "reason": "Monitors our shop"} | changes
    entry = Entry(kind=ListKind(kind), value=value, expires=now() + timedelta(days=90), **words)
    row = add(entry, actor=LEA, confirmed=True)
    ListEntry.objects.filter(pk=row.pk).update(expires=now() + timedelta(days=days))
    row.refresh_from_db()
    return row


def form(**changes: Any) -> dict[str, Any]:
    return {**VALUES, **NO_WINDOWS, "expires": (date.today() + timedelta(days=30)).isoformat(), **changes}


def inventory(text: str, name: str = "perimeter") -> None:
    assert not upload(text.splitlines(keepends=True), name=name, actor=LEA).problems


def file(text: str | bytes, name: str = "x.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text if isinstance(text, bytes) else text.encode())


# Reading


@pytest.mark.parametrize("role", Role)
def test_it_lets_everybody_read_and_only_leads_and_admins_change(client: Client, make_user: Any, role: Role) -> None:
    entry = put()
    client.force_login(make_user("somebody", role))
    may = role in (Role.LEAD, Role.ADMIN)
    readable = [reverse("lists"), reverse("exposure"), reverse("list_export"), reverse("list_entry", args=[entry.pk])]
    assert {client.get(address).status_code for address in readable} == {200}
    for name in ("list_add", "list_import"):
        assert client.get(reverse(name)).status_code == (200 if may else 403)
    for name in ("list_change", "list_renew", "list_remove"):
        assert client.post(reverse(name, args=[entry.pk])).status_code == (200 if may else 403)
    for name in ("list_create", "list_import_now", "exposure_upload", "exposure_remove"):
        assert (client.post(reverse(name)).status_code == 403) is not may
    assert ("Remove" in client.get(readable[-1]).text) is may
    assert ("Add an entry" in client.get(readable[0]).text) is may


def test_it_shows_an_entry_with_all_that_it_stands_for(as_lead: Client) -> None:
    put("10.9.0.4", "authorised_scanner", ticket="SEC-12", zone="Europe/Berlin", targets=["10.20.0.0/16"],
        windows=[{"days": [0, 1, 2, 3, 4], "from": "22:00", "to": "04:00"}])  # fmt: skip
    ListEntry.objects.update(hits=1234, last_hit=now())
    page = as_lead.get(reverse("lists"), {"kind": "authorised_scanner"}).text

    for text in (
        "10.9.0.4",
        "Partner",
        "SEC-12",
        "Mon–Fri 22:00–04:00 Europe/Berlin",
        "10.20.0.0/16",
        "1,234",
        "by lea",
    ):
        assert text in page


@pytest.mark.parametrize(
    ("kind", "days", "words"),
    [
        ("allow", 90, None),
        ("allow", 13.9, "◆ soon"),
        ("allow", -1, "▲ expired"),
        ("own_network", -1, "▲ review due"),
    ],
)
def test_it_says_in_words_what_expires(as_lead: Client, kind: str, days: float, words: str | None) -> None:
    put(kind=kind, days=days)
    page = as_lead.get(reverse("lists"), {"kind": kind}).text
    found = [text for text in ("◆ soon", "▲ expired", "▲ review due") if text in page]
    assert found == ([words] if words else [])
    assert ("expire soon or have expired" in page) is (words is not None)


def test_it_finds_the_networks_of_an_address_and_words(as_lead: Client) -> None:
    put("203.0.113.0/24", label="Partner network")
    put("198.51.100.7", label="Backup", ticket="SEC-77", owner="max")
    put("shop.example", label="Shop")

    def found(q: str) -> list[str]:
        page = as_lead.get(reverse("lists"), {"q": q}).text
        return [label for label in ("Partner network", "Backup", "Shop") if f"<br>{label}</div>" in page]

    assert found("203.0.113.9") == ["Partner network"] and found("198[.]51[.]0.0/16") == ["Backup"]
    assert found("203.0.0.0/16") == ["Partner network"] and found("198.51") == ["Backup"]
    assert found("sec-77 max") == ["Backup"] and found("shop[.]ex") == [] and found("shop.ex") == ["Shop"]
    assert "Nothing on this list fits" in as_lead.get(reverse("lists"), {"q": "%"}).text


@pytest.mark.parametrize("query", ["?kind=friends", "?cursor=nonsense", "?q=%00", f"?q={'x' * 300}"])
def test_it_answers_a_wrong_address_with_a_sentence(as_lead: Client, query: str) -> None:
    put()
    answer = as_lead.get(reverse("lists") + query)
    assert answer.status_code == 200 and "Show the latest" in answer.text


def test_it_goes_through_a_long_list(as_lead: Client) -> None:
    ListEntry.objects.bulk_create(
        ListEntry(kind="deny", network=f"203.0.{number}.0/24", label=f"N{number}", owner="x", reason="x",
                  created_by="x", expires=now() + timedelta(days=9))
        for number in range(150)
    )  # fmt: skip
    first = as_lead.get(reverse("lists"), {"kind": "deny"})
    older = as_lead.get(reverse("lists"), {"kind": "deny", "cursor": first.context["page"].older})
    assert (len(first.context["page"].rows), len(older.context["page"].rows)) == (100, 50)
    assert 'rel="next"' in first.text and 'rel="prev"' in older.text


@pytest.mark.parametrize("kind", ListKind)
def test_it_explains_an_empty_list(as_lead: Client, kind: ListKind) -> None:
    page = as_lead.get(reverse("lists"), {"kind": kind.value}).text
    assert "This list is empty" in page and "Add the first entry" in page


def test_it_shows_hostile_text_as_text(as_lead: Client) -> None:
    entry = put(label=HOSTILE[:90], owner=HOSTILE, reason=HOSTILE, ticket=HOSTILE[:90])
    inventory(f'address,port,service\n10.0.0.1,22,"{HOSTILE.replace(chr(34), chr(34) * 2)}"\n')
    for address in (reverse("lists"), reverse("list_entry", args=[entry.pk]), reverse("exposure")):
        page = as_lead.get(address).text
        assert "<script>alert" not in page and "<b hx-get" not in page
        assert "⟨U+202E⟩" in page or "\u202e" not in page


# Adding and changing


def test_it_starts_with_what_a_link_says(as_lead: Client, lead: Any) -> None:
    page = as_lead.get(reverse("list_add"), {"kind": "deny", "value": '203.0.113.66"><b>'})
    assert (
        page.context["form"]["value"].value() == '203.0.113.66"><b>'
        and "<b>" not in page.text.split("<main")[1].split("On which")[0]
    )
    assert escape('203.0.113.66"><b>') in page.text
    assert page.context["form"]["owner"].value() == lead.username
    assert page.context["form"]["expires"].value() == localtime(now() + timedelta(days=90)).date()
    assert as_lead.get(reverse("list_add"), {"kind": "friends"}).context["kind"] == ListKind.ALLOW


def test_it_adds_an_entry_until_the_end_of_its_day(as_lead: Client) -> None:
    day = date.today() + timedelta(days=30)
    answer = as_lead.post(reverse("list_create"), form(expires=day.isoformat(), ticket="SEC-1"))
    row = ListEntry.objects.get()

    assert answer["Location"] == reverse("list_entry", args=[row.pk])
    assert (row.value, row.ticket, row.created_by) == ("203.0.113.7", "SEC-1", "lea")
    assert row.expires is not None and f"{localtime(row.expires):%Y-%m-%d %H:%M:%S}" == f"{day} 23:59:59"


def test_it_asks_once_more_about_what_is_doubtful(as_lead: Client) -> None:
    asked = as_lead.post(reverse("list_create"), form(value="198.0.0.0/8"))
    assert "Is that meant?" in asked.text and "everything in it would be trusted" in asked.text
    assert not ListEntry.objects.exists() and 'value="198.0.0.0/8"' in asked.text

    as_lead.post(reverse("list_create"), form(value="198.0.0.0/8", confirmed="on"))
    assert ListEntry.objects.get().value == "198.0.0.0/8"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"value": "203.0.113.7/24"}, "is 203.0.113.0/24 meant?"),
        ({"value": "fe80::%x/64"}, "neither an address"),
        ({"label": ""}, "This field is required"),
        ({"label": "a\0b"}, "Null characters"),
        ({"expires": ""}, "This field is required"),
        ({"expires": "2020-01-01"}, "has passed already"),
        ({"expires": "9999-12-31"}, "more than ten years"),
        ({"expires": "0001-01-01"}, "has passed already"),
        ({"kind": "own_network", "value": "shop.example"}, "not a domain"),
        ({"kind": "authorised_scanner", "targets": "x"}, "neither an address"),
        ({"kind": "authorised_scanner", "zone": "Mars/Phobos"}, "no time zone"),
        ({"kind": "authorised_scanner", **NIGHTS, "windows-0-end": ""}, "days and both times"),
        ({"kind": "authorised_scanner", **NIGHTS, "windows-0-days": []}, "days and both times"),
        ({"kind": "authorised_scanner", **NIGHTS, "windows-0-begin": "25:00"}, "Enter a valid time"),
        ({"kind": "authorised_scanner", **NIGHTS, "windows-0-days": ["9"]}, "not one of the available choices"),
        ({"kind": "authorised_scanner", "windows-TOTAL_FORMS": "x"}, "ManagementForm data is missing"),
        ({"kind": "authorised_scanner", "windows-TOTAL_FORMS": "9999"}, "at most 14 forms"),
    ],
)
def test_it_says_what_is_wrong_with_an_entry(as_lead: Client, changes: dict[str, Any], why: str) -> None:
    answer = as_lead.post(reverse("list_create"), form(**changes))
    assert answer.status_code == 200 and why in answer.text.replace("&#x27;", "'")
    assert not ListEntry.objects.exists()


def test_it_keeps_every_window_of_a_scanner_and_removes_one_by_its_box(as_lead: Client) -> None:
    as_lead.post(
        reverse("list_create"),
        form(kind="authorised_scanner", zone="Europe/Berlin", targets="10.0.0.0/8\nfd00::1", **NIGHTS),
    )
    row = ListEntry.objects.get()
    assert row.windows == [{"days": [0, 4], "from": "22:00", "to": "04:00"}]
    assert (row.zone, row.targets) == ("Europe/Berlin", ["10.0.0.0/8", "fd00::1/128"])

    ListEntry.objects.update(windows=row.windows * 5)
    page = as_lead.get(reverse("list_entry", args=[row.pk]))
    assert page.text.count('value="22:00"') == 5
    sent = {"windows-TOTAL_FORMS": "7", "windows-INITIAL_FORMS": "5"}
    for number in range(5):
        sent |= {
            f"windows-{number}-days": "6",
            f"windows-{number}-begin": f"0{number}:00",
            f"windows-{number}-end": "09:00",
        }
    sent["windows-2-DELETE"] = "on"
    as_lead.post(reverse("list_change", args=[row.pk]), form(kind="deny", zone="UTC", **sent))
    row.refresh_from_db()
    assert row.kind == "authorised_scanner"
    assert [window["from"] for window in row.windows] == ["00:00", "01:00", "03:00", "04:00"]


def test_it_keeps_the_moment_of_an_expiry_that_nobody_touched(as_lead: Client) -> None:
    row = put(days=45)
    as_lead.cookies["tz"] = "Pacific/Auckland"
    page = as_lead.get(reverse("list_entry", args=[row.pk]))
    day = page.context["form"]["expires"].value().isoformat()
    as_lead.post(reverse("list_change", args=[row.pk]), form(expires=day, label="Other"))
    before = row.expires
    row.refresh_from_db()
    assert (row.label, row.expires) == ("Other", before)


def test_it_renews_and_removes_with_a_reason_and_shows_the_history(as_lead: Client) -> None:
    row = put(days=-3)
    address = reverse("list_entry", args=[row.pk])
    assert "▲ expired" in as_lead.get(address).text
    day = (date.today() + timedelta(days=60)).isoformat()
    as_lead.post(reverse("list_renew", args=[row.pk]), {"expires": day, "reason": "Contract goes on"})
    assert (
        "Say why" in as_lead.post(reverse("list_remove", args=[row.pk]), {"reason": "  "}).text
        or ListEntry.objects.kept().exists()
    )
    page = as_lead.get(address).text
    assert "renewed" in page and "Contract goes on" in page and "▲ expired" not in page

    as_lead.post(reverse("list_remove", args=[row.pk]), {"reason": "Contract ended"})
    page = as_lead.get(address).text
    assert "removed" in page and "Contract ended" in page and "Renew" not in page
    assert as_lead.post(reverse("list_change", args=[row.pk]), form()).status_code == 404
    assert AuditEvent.objects.filter(subject=f"list entry {row.pk}").count() == 3


# Files


def test_it_exports_what_it_imports(as_lead: Client) -> None:
    put()
    put("10.9.0.4", "authorised_scanner")
    text = as_lead.get(reverse("list_export"))
    assert text["Content-Type"] == "text/csv; charset=utf-8" and "attachment" in text["Content-Disposition"]
    ListEntry.objects.all().delete()

    answer = as_lead.post(reverse("list_import_now"), {"file": file(text.content)}, follow=True)
    assert "2 added, 0 were there already" in answer.text and ListEntry.objects.count() == 2


def test_it_names_wrong_and_doubtful_lines_and_imports_nothing(as_lead: Client) -> None:
    text = "kind,value,label,owner,reason\nallow,203.0.113.7,x,x,x\nallow,<b>,x,x,x\nallow,198.0.0.0/8,x,x,x\n"
    answer = as_lead.post(reverse("list_import_now"), {"file": file(text)})
    assert "Nothing was imported" in answer.text and "line 3: " in answer.text and "line 4: " in answer.text
    assert "<b>&#x27; is neither" not in answer.text and not ListEntry.objects.exists()


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"\xff\xfe", "no text in UTF-8"), (b"", "empty"), (b"x" * (4 * 2**20 + 1), "larger than 4 MiB")],
)
def test_it_says_what_is_wrong_with_an_import(as_lead: Client, content: bytes, why: str) -> None:
    assert why in as_lead.post(reverse("list_import_now"), {"file": file(content)}).text


# What is open


def test_it_takes_an_inventory_and_shows_it(as_lead: Client) -> None:
    text = "address,port,service\n10.20.8.20,443,nginx\n10.20.8.20,22,ssh\n10.20.8.21,,\n"
    answer = as_lead.post(reverse("exposure_upload"), {"name": "perimeter", "file": file(text)}, follow=True)
    assert "perimeter is stored: 3 lines about 2 addresses" in answer.text
    page = as_lead.get(reverse("exposure"), {"q": "10.20.8.0/24"}).text
    assert "<code>22</code>, <code>443</code>" in page and "nginx, ssh" in page and ">none<" in page
    assert "10.20.8.21" not in as_lead.get(reverse("exposure"), {"q": "443"}).text
    assert "No address fits" in as_lead.get(reverse("exposure"), {"q": "telnet"}).text

    as_lead.post(reverse("exposure_remove"), {"name": "perimeter"})
    assert not OpenPort.objects.exists() and "There is no inventory yet" in as_lead.get(reverse("exposure")).text


def test_it_reads_a_large_upload_from_the_disk(as_lead: Client) -> None:
    with TemporaryUploadedFile("ports.csv", "text/csv", 0, None) as large:
        large.write("\ufeffaddress,port\n".encode() + b"10.20.8.20,443\n" * 300_000)
        large.size = large.tell()
        large.seek(0)
        as_lead.post(reverse("exposure_upload"), {"name": "perimeter", "file": large})
    assert OpenPort.objects.get().port == 443


def test_it_names_wrong_lines_and_stores_nothing(as_lead: Client) -> None:
    text = "address,port\n10.0.0.1,22\n<b>,22\n203.0.113.9,22\n"
    answer = as_lead.post(reverse("exposure_upload"), {"name": "perimeter", "file": file(text)})
    assert "Nothing was stored" in answer.text and "line 3: &#x27;&lt;b&gt;&#x27; is no address" in answer.text
    assert "line 4: 203.0.113.9 is none of our own networks" in answer.text and not OpenPort.objects.exists()
    wrong = as_lead.post(reverse("exposure_upload"), {"name": "perimeter", "file": file(b"address,port\n\xff,1\n")})
    assert "no text in UTF-8" in wrong.text


def test_it_goes_through_many_addresses(as_lead: Client) -> None:
    inventory("address,port\n" + "".join(f"10.0.0.{number},22\n" for number in range(1, 151)))
    page = as_lead.get(reverse("exposure"))
    assert "after=10.0.0.50" in page.text
    assert len(as_lead.get(reverse("exposure"), {"after": "10.0.0.100"}).context["rows"]) == 50
    assert as_lead.get(reverse("exposure"), {"after": "nonsense"}).status_code == 200
