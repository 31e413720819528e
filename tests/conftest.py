"""People, makers, and rules that hold for every test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db.backends.postgresql.operations import DatabaseOperations

from investigations.choices import Role
from investigations.management.commands.play_demo import point_at
from investigations.models import Actor, User
from investigations.queries.networks import forget
from investigations.simulator import Simulator

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _plain_static_files(settings: Any) -> None:
    """Pages under test name static files without hashes: nothing has collected them."""
    settings.STORAGES = {
        **django_settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _forget_own_networks() -> Iterator[None]:
    """What is ours is remembered for some seconds, and a test is shorter than that."""
    forget()
    yield
    forget()


@pytest.fixture(scope="session", autouse=True)
def _flush_append_only_tables() -> Iterator[None]:
    """Between tests with real transactions the audit table must be emptied, which its trigger refuses otherwise."""
    original = DatabaseOperations.execute_sql_flush

    def flush(self: DatabaseOperations, statements: list[str]) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            try:
                original(self, statements)
            finally:
                cursor.execute("SET session_replication_role = DEFAULT")

    DatabaseOperations.execute_sql_flush = flush
    yield
    DatabaseOperations.execute_sql_flush = original


@pytest.fixture
def make_user(db: None) -> Callable[..., User]:
    def make(name: str, role: Role) -> User:
        return User.objects.create_user(name, password=PASSWORD, role=role)

    return make


@pytest.fixture
def viewer(make_user: Callable[..., User]) -> User:
    return make_user("victor", Role.VIEWER)


@pytest.fixture
def analyst(make_user: Callable[..., User]) -> User:
    return make_user("anna", Role.ANALYST)


@pytest.fixture
def lead(make_user: Callable[..., User]) -> User:
    return make_user("lea", Role.LEAD)


@pytest.fixture
def admin(make_user: Callable[..., User]) -> User:
    return make_user("ada", Role.ADMIN)


@pytest.fixture
def auditor(make_user: Callable[..., User]) -> User:
    return make_user("oscar", Role.AUDITOR)


@pytest.fixture
def actor(analyst: User) -> Actor:
    return Actor(analyst.username, user_id=analyst.pk)


@pytest.fixture(scope="session")
def running_simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running_simulator: Simulator, settings: Any, transactional_db: None) -> Iterator[Simulator]:
    """A database whose providers ask the simulator."""
    settings.ALLOW_TEST_NETWORKS = True
    settings.SIMULATED = True
    settings.DNS_SERVER = running_simulator.dns_server
    point_at(running_simulator.url)
    running_simulator.clear()
    yield running_simulator
    running_simulator.clear()
