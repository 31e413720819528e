"""What `make demo` adds: the simulator, providers that point at it, and a feeder that plays a stream of alerts."""

from __future__ import annotations

import os
import socket
import sys

from reconsoc.supervisor import Child

DEMO_KEY = "demo-key-for-the-simulator"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def demo_children() -> list[Child]:
    """Ports are chosen now, and told to all children by the environment."""
    port, dns_port = free_port(), free_port()
    os.environ |= {
        "RECONSOC_SIMULATED": "1",
        "RECONSOC_ALLOW_TEST_NETWORKS": "1",
        "RECONSOC_DNS_SERVER": f"127.0.0.1:{dns_port}",
        "RECONSOC_OWN_NETWORKS": "10.20.0.0/16,fd00:20::/32",
    }
    simulator = [sys.executable, "manage.py", "simulator", "--port", str(port), "--dns-port", str(dns_port),
                 "--latency-ms", "400"]  # fmt: skip
    feeder = [sys.executable, "manage.py", "play_demo", "--simulator", f"http://127.0.0.1:{port}"]
    return [Child("simulator", lambda: simulator), Child("feeder", lambda: feeder)]
