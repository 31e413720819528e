"""The providers, in the order in which people see them."""

from __future__ import annotations

from investigations.providers.abuseipdb import AbuseIPDB
from investigations.providers.base import Provider
from investigations.providers.cymru import Cymru
from investigations.providers.dns import DNS
from investigations.providers.greynoise import GreyNoise
from investigations.providers.internetdb import InternetDB
from investigations.providers.spamhaus import Spamhaus
from investigations.providers.virustotal import VirusTotal
from investigations.providers.warninglists import WarningLists

PROVIDERS: dict[str, type[Provider]] = {
    provider.name: provider
    for provider in (WarningLists, DNS, Cymru, Spamhaus, InternetDB, GreyNoise, AbuseIPDB, VirusTotal)
}
