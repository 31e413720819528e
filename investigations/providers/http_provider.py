"""A provider that is asked over HTTPS: the address of its API, and the key in a header."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import quote, urlsplit

from investigations.choices import Outcome
from investigations.providers import http
from investigations.providers.base import Provider, ProviderError, Reply


class HttpProvider(Provider):
    """Subclasses name the header that carries their key and ask with `get`."""

    key_header: ClassVar[str] = ""

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Reply:
        """Ask for `path` (with a leading slash) of the provider's API."""
        return http.get(self.url(path), timeout=self.config.timeout, headers=self.headers(), params=params)

    def url(self, path: str) -> str:
        """The real API, or the one that an admin has put in its place."""
        if not self.config.url:
            return self.base_url + path
        try:
            parts = urlsplit(self.config.url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable or parts.query or parts.fragment or parts.username is not None:
            raise ProviderError("The provider's URL cannot be used: it must be http(s)://host[:port][/path]")
        return self.config.url.rstrip("/") + path

    def headers(self) -> dict[str, str]:
        if not self.needs_key:
            return {}
        if not self.config.key:
            raise ProviderError("No key is set", outcome=Outcome.AUTH_ERROR)
        return {self.key_header: self.config.key}


def segment(value: str) -> str:
    """`value` as one part of a path: nothing in it can lead to another path."""
    if value.strip(".") == "":
        raise ProviderError("This value cannot be asked for")
    return quote(value, safe=":")
