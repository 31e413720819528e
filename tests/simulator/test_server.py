"""The simulator as a server: ports, concurrency, and an end without leftovers."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from investigations.simulator import PortBusyError, Simulator
from tests.simulator.conftest import Client
from tests.simulator.test_dns import ask, zen


def test_it_lets_nobody_wait_for_somebody_elses_slow_answer(client: Client, simulator: Simulator) -> None:
    simulator.faults.latency_ms = 500
    # One after the other these would take 100 seconds, five times as long as the client waits.
    with ThreadPoolExecutor(200) as crowd:
        answers = list(crowd.map(lambda host: client.get("internetdb", f"/203.0.113.{host}"), range(200)))
    assert {answer.status_code for answer in answers} <= {200, 404}
    assert len(simulator.requests) == 200


def test_it_lets_no_dns_question_wait_for_another(simulator: Simulator) -> None:
    simulator.faults.latency_ms = 500
    # One after the other these would take 50 seconds, ten times as long as the client waits.
    with ThreadPoolExecutor(100) as crowd:
        answers = list(crowd.map(lambda host: ask(simulator, zen(f"203.0.113.{host}")), range(100)))
    assert {code for code, _ in answers} == {"NOERROR", "NXDOMAIN"}


def test_it_listens_on_loopback_only(simulator: Simulator) -> None:
    assert simulator.url.startswith("http://127.0.0.1:")
    assert simulator.dns_server.startswith("127.0.0.1:")
    assert simulator._http.socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("busy", ["port", "dns_port"])
def test_it_says_which_port_is_busy(busy: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortBusyError, match=str(port)):
            Simulator(**{busy: port}).start()


def test_it_ends_while_clients_are_waiting() -> None:
    with Simulator(faults=[("internetdb", "timeout")]) as simulator:
        url = simulator.http_url("internetdb") + "/203.0.113.66"
        hung_up = threading.Event()

        def wait() -> None:
            with pytest.raises(requests.ConnectionError):
                requests.get(url, timeout=60)
            hung_up.set()

        client = threading.Thread(target=wait)
        client.start()
        while not simulator.requests:
            threading.Event().wait(0.01)
    assert hung_up.wait(30)
    client.join()
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)


def test_it_can_be_started_again_on_the_same_ports() -> None:
    with Simulator() as first:
        port, dns_port = first._http.server_port, first._dns.port
        requests.get(first.http_url("internetdb") + "/203.0.113.66", timeout=20)
    with Simulator(port, dns_port) as second:
        assert requests.get(second.http_url("internetdb") + "/203.0.113.66", timeout=20).ok
