"""The other commands: what `--json` prints, and one clear line for whatever is wrong."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import global_settings
from django.core.management import CommandError, call_command
from django.db import connection

from investigations.choices import TokenScope
from investigations.models import ApiToken, AuditEvent, Decision, Investigation, PolicyVersion, ProviderSettings, User
from investigations.playbooks.engine import Engine
from investigations.policy.document import default_policy
from investigations.providers import PROVIDERS
from investigations.services.ingest import store
from investigations.services.tokens import authenticate
from tests.makers import make_alert
from tests.processes import manage

pytestmark = pytest.mark.django_db
HASHERS = global_settings.PASSWORD_HASHERS  # those of another process, which does not know that this is a test


def run(*arguments: str) -> Any:
    """What a command prints with --json."""
    out = io.StringIO()
    call_command(*arguments, "--json", stdout=out, stderr=io.StringIO())
    return json.loads(out.getvalue())


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def decided(address: str = "203.0.113.66") -> Investigation:
    store([make_alert(address)])
    with Engine() as engine:
        engine.run(30)
    return Investigation.objects.get(subject=address)


BAD_INPUT = {
    "provider set nobody --enable": "there is no provider 'nobody'; there are",
    "provider set virustotal --enable": "needs a key",
    "provider set virustotal --url javascript:alert(1)": "a URL starts with https",
    "provider set virustotal --per-minute -1": "per_minute is a number from 0",
    "provider set virustotal --timeout nan": "timeout is a number from 1",
    "provider set virustotal --per-day many": "invalid int value",
    "provider test nobody": "there is no provider",
    "provider explode": "invalid choice",
    "token create sensor --scope everything": "invalid choice",
    "token create sensor": "--scope",
    "token create sensor --scope ingest:write --days 0": "1 to 3650 days",
    "token revoke nobody": "there is no token 'nobody'",
    "user create new --role root": "invalid choice",
    "user create new@<b> --role viewer": "valid username",
    "user password nobody": "there is no account 'nobody'",
    "replay 999999": "INV-999999 has no automatic decision",
    "replay abc": "'abc' is not the number of an investigation",
    "replay -- -1": "'-1' is not the number",
    "policy activate 999": "there is no policy version 999",
    "policy activate x": "invalid int value",
    "policy validate {tmp}/missing.toml": "No such file",
    "policy validate {tmp}": "Is a directory",
    "policy validate {tmp}/binary.toml": "can't decode",
    "policy validate {tmp}/broken.toml": "line 3",
    "investigate words": "nothing to investigate",
    "investigate 300.1.2.3": "nothing to investigate",
    "investigate": "VALUE",
    "play_demo --simulator http://127.0.0.1:1": "not a demonstration",
    "bench B99": "there is no benchmark B99",
}


@pytest.mark.parametrize("command", BAD_INPUT)
def test_it_answers_bad_input_in_one_line(tmp_path: Path, command: str) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "broken.toml").write_text('name = "x"\n\n[[rule]\n')
    audited = AuditEvent.objects.count()
    with pytest.raises(CommandError, match=r".+") as caught:
        call_command(*(word.format(tmp=tmp_path) for word in command.split()), stderr=io.StringIO())

    assert BAD_INPUT[command] in str(caught.value)
    assert "\n" not in str(caught.value)
    assert AuditEvent.objects.count() == audited


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "command",
    [
        "provider test nobody",
        "token create x --scope nonsense",
        "replay 999999",
        "policy validate missing.toml",
        "replay",
    ],
)
def test_it_ends_with_a_code_and_without_a_traceback(command: str) -> None:
    done = manage(*command.split())

    assert done.returncode in (1, 2)
    assert done.stdout == "" and "Traceback" not in done.stderr
    assert "rror: " in done.stderr.splitlines()[-1]


@pytest.mark.django_db(transaction=True)
def test_it_says_in_one_line_that_the_database_is_away() -> None:
    done = manage("token", "list", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")

    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1 and "the database cannot be reached" in done.stderr


class TestProvider:
    """`provider list`, `set` and `test`."""

    def test_it_lists_every_provider(self) -> None:
        shapes = run("provider", "list")

        assert [shape["name"] for shape in shapes] == list(PROVIDERS)
        assert all(shape.keys() == {"name", "enabled", "has_key", "health", "quota"} for shape in shapes)
        assert {shape["name"] for shape in shapes if shape["enabled"]} == {
            name for name, provider in PROVIDERS.items() if not provider.needs_key
        }
        assert "no_key" in said("provider", "list")

    def test_it_reads_a_key_from_standard_input(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO("good-key\nsecond line\n"))
        shape = run("provider", "set", "virustotal", "--key-stdin", "--per-minute", "9")

        assert (shape["enabled"], shape["has_key"], shape["quota"]["minute"]["limit"]) == (True, True, 9)
        assert ProviderSettings.objects.get(name="virustotal").key == "good-key"
        assert AuditEvent.objects.get(action="provider.key_changed").actor == "command line"

    def test_it_switches_and_redirects(self) -> None:
        assert run("provider", "set", "cymru", "--disable")["enabled"] is False
        assert run("provider", "set", "cymru", "--enable")["enabled"] is True
        run("provider", "set", "internetdb", "--url", "http://127.0.0.1:9000/internetdb")
        assert ProviderSettings.objects.get(name="internetdb").url == "http://127.0.0.1:9000/internetdb"
        run("provider", "set", "internetdb", "--url", "")
        assert ProviderSettings.objects.get(name="internetdb").url == ""

    def test_it_makes_a_real_call(self, simulator: Any) -> None:
        shape = run("provider", "test", "greynoise")

        assert (shape["ok"], shape["status"], shape["health"]) == (True, 200, "ok")
        assert shape["plan"] and shape["latency_ms"] >= 0
        simulator.set_fault("greynoise", "bad_key")
        with pytest.raises(SystemExit) as stopped:
            call_command("provider", "test", "greynoise", stdout=io.StringIO())
        assert stopped.value.code == 1


class TestToken:
    """`token create`, `list` and `revoke`."""

    def test_it_prints_a_token_once(self) -> None:
        made = run("token", "create", "edge", "--scope", "ingest:write", "--scope", "investigation:read", "--days", "7")
        listed = run("token", "list")

        assert authenticate(made["token"], TokenScope.INGEST) and authenticate(made["token"], TokenScope.READ)
        assert made.keys() - listed[0].keys() == {"token"}
        assert made["token"].partition(".")[2] not in json.dumps(listed) + said("token", "list")
        assert (listed[0]["name"], listed[0]["state"]) == ("edge", "active")
        with pytest.raises(CommandError, match="already exists"):
            call_command("token", "create", "edge", "--scope", "ingest:write")

    def test_it_prints_nothing_but_the_token_for_scripts(self) -> None:
        text = said("token", "create", "edge", "--scope", "ingest:write")

        assert authenticate(text.strip(), TokenScope.INGEST) == ApiToken.objects.get()

    def test_it_ends_a_token(self) -> None:
        made = run("token", "create", "edge", "--scope", "ingest:write")
        assert run("token", "revoke", "edge")["state"] == "revoked"
        assert authenticate(made["token"], TokenScope.INGEST) is None


class TestUser:
    """`user create`, `password` and `list`."""

    def test_it_makes_an_account_and_prints_its_password_once(self) -> None:
        made = run("user", "create", "olga", "--role", "lead")

        user = User.objects.get()
        assert (made["name"], made["role"], user.role) == ("olga", "lead", "lead")
        assert user.check_password(made["password"])
        assert run("user", "list") == [{"name": "olga", "role": "lead", "active": True}]
        again = run("user", "password", "olga")
        user.refresh_from_db()
        assert again["password"] != made["password"] and user.check_password(again["password"])

    def test_it_takes_a_password_from_the_environment_and_does_not_print_it(self, monkeypatch: Any) -> None:
        monkeypatch.setenv("RECONSOC_USER_PASSWORD", "correct horse battery")

        assert "correct horse" not in said("user", "create", "olga", "--role", "viewer")
        assert User.objects.get().check_password("correct horse battery")
        monkeypatch.setenv("RECONSOC_USER_PASSWORD", "short")
        with pytest.raises(CommandError, match="too short"):
            call_command("user", "create", "otto", "--role", "viewer")


class TestPolicy:
    """`policy show`, `validate` and `activate`."""

    def test_it_shows_what_is_in_force(self) -> None:
        shape = run("policy", "show")

        assert shape.keys() == {"version", "name", "digest", "shadow", "versions", "document"}
        assert shape["digest"] == default_policy().digest
        assert shape["versions"] == [shape["version"]]

    def test_it_checks_a_file_without_using_it(self, tmp_path: Path) -> None:
        good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
        good.write_text(default_policy().text)
        bad.write_text(default_policy().text.replace("noise_seen", "noise_sen"))
        assert run("policy", "validate", str(good)) == {"ok": True, "problems": []}
        with pytest.raises(SystemExit) as stopped:
            call_command("policy", "validate", str(bad), "--json", stdout=(out := io.StringIO()))
        shape = json.loads(out.getvalue())

        assert stopped.value.code == 1
        assert shape["ok"] is False and "noise_sen" in shape["problems"][0] and "line " in shape["problems"][0]
        assert PolicyVersion.objects.count() == 1

    def test_it_puts_a_version_in_force(self) -> None:
        first = PolicyVersion.objects.get()
        other = PolicyVersion.objects.create(name="other", document=first.document, digest="d" * 64, created_by="ada")
        assert run("policy", "activate", str(other.pk)) == {"version": other.pk}

        assert PolicyVersion.objects.get(active=True) == other
        event = AuditEvent.objects.get(action="policy.activated")
        assert (event.before, event.after) == ({"active": [first.pk]}, {"active": [other.pk]})


class TestInvestigate:
    """`investigate`."""

    def test_it_submits_and_waits(self, simulator: Any) -> None:
        (shape,) = run("investigate", "203[.]0[.]113[.]66", "--reason", "a phishing mail", "--wait")

        assert (shape["source"], shape["status"]) == ("203.0.113.66", "escalated")
        assert shape["decision"]["reasons"]
        assert shape["timeline"][0]["text"] == "Submitted by command line: a phishing mail"

    def test_it_says_what_it_refused(self) -> None:
        errors = io.StringIO()
        call_command("investigate", "203.0.113.7", "nothing", "203.0.113.0/24", stdout=io.StringIO(), stderr=errors)

        assert "nothing: neither an address nor a domain" in errors.getvalue()
        assert "203.0.113.0/24: a network of 256 addresses" in errors.getvalue()
        assert Investigation.objects.count() == 1


TAMPERED: dict[str, str] = {
    "an answer": "jsonb_set(evidence, '{answers,0,verdict}', '\"benign\"')",
    "no answers": "evidence - 'answers'",
    "nothing": "'{}'",
    "a list": "'[]'",
    "other types": "jsonb_set(evidence, '{answers}', '7')",
    "a new field": "jsonb_set(evidence, '{surprise}', '1')",
}


class TestReplay:
    """`replay`."""

    def test_it_decides_again_to_the_same(self, simulator: Any) -> None:
        row = decided()
        shape = run("replay", f"INV-{row.pk}")

        assert (shape["investigation"], shape["same"], shape["evidence_intact"], shape["differences"]) == (
            row.pk, True, True, [],
        )  # fmt: skip
        assert shape["stored"] == shape["replayed"]
        assert "replayed: the same" in said("replay", str(row.pk))

    @pytest.mark.parametrize("what", TAMPERED)
    def test_it_notices_every_change_of_the_evidence(self, simulator: Any, what: str) -> None:
        row = decided()
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE investigations_decision SET evidence = {TAMPERED[what]}")
        out = io.StringIO()
        with pytest.raises(SystemExit) as stopped:
            call_command("replay", str(row.pk), "--json", stdout=out)

        assert stopped.value.code == 1
        shape = json.loads(out.getvalue())
        assert (shape["same"], shape["evidence_intact"]) == (False, False)

    @pytest.mark.parametrize("change", [{"outcome": "dismissed"}, {"reasons": []}, {"headline": "nothing to see"}])
    def test_it_notices_a_changed_decision(self, simulator: Any, change: dict[str, Any]) -> None:
        row = decided()
        Decision.objects.update(**change)
        with pytest.raises(SystemExit) as stopped:
            call_command("replay", str(row.pk), "--json", stdout=(out := io.StringIO()))

        assert stopped.value.code == 1
        shape = json.loads(out.getvalue())
        assert (shape["differences"], shape["evidence_intact"]) == (list(change), True)


@pytest.mark.django_db(transaction=True)
def test_it_prepares_a_database_as_often_as_one_likes(settings: Any) -> None:
    settings.PASSWORD_HASHERS = HASHERS
    first = manage("prepare", "--no-static", RECONSOC_ADMIN_PASSWORD="correct horse battery")
    second = manage("prepare", "--no-static", RECONSOC_ADMIN_PASSWORD="another password")

    assert (first.returncode, second.returncode, second.stdout) == (0, 0, "")
    assert "correct horse" not in first.stdout
    assert User.objects.get().check_password("correct horse battery")


@pytest.mark.django_db(transaction=True)
def test_it_prints_a_random_password_once_and_refuses_a_weak_one(settings: Any) -> None:
    settings.PASSWORD_HASHERS = HASHERS
    weak = manage("prepare", "--no-static", RECONSOC_ADMIN_PASSWORD="12345")
    assert (weak.returncode, User.objects.exists()) == (1, False)
    done = manage("prepare", "--no-static", RECONSOC_ADMIN_PASSWORD="")
    password = done.stdout.splitlines()[0].rpartition(" ")[2]

    assert User.objects.get().check_password(password)


def test_it_feeds_the_demonstration_only(settings: Any, transactional_db: None, running_simulator: Any) -> None:
    with pytest.raises(CommandError, match="nothing was changed"):
        call_command("play_demo", "--simulator", running_simulator.url)
    assert not ProviderSettings.objects.exclude(url="").exists()
