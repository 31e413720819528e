"""The HTTP APIs that are simulated, by provider name."""

from __future__ import annotations

from investigations.simulator.apis import abuseipdb, greynoise, internetdb, virustotal
from investigations.simulator.apis.base import Api

APIS: dict[str, Api] = {module.API.name: module.API for module in (virustotal, abuseipdb, greynoise, internetdb)}
