"""Secrets at rest: AES-256-GCM, bound to the row they belong to, under keys that can be rotated.

A sealed secret is `KEYID:BASE64(nonce + ciphertext)`; the key id and the context are authenticated with it, so that
neither can be exchanged. Raises SealBroken where a secret does not open; its message never holds any part of it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

NONCE_BYTES = 12


class SealBroken(Exception):
    """A stored secret does not open: another key, another row, or changed bytes."""


def seal(secret: str, context: str) -> str:
    key_id, key = next(iter(_keys(settings.ENCRYPTION_KEYS).items()))
    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, secret.encode(), f"{key_id}:{context}".encode())
    return f"{key_id}:{base64.b64encode(nonce + sealed).decode()}"


def unseal(sealed: str, context: str) -> str:
    key_id, _, text = sealed.partition(":")
    key = _keys(settings.ENCRYPTION_KEYS).get(key_id)
    if key is None:
        raise SealBroken(f"no encryption key {key_id!r} is configured")
    try:
        blob = base64.b64decode(text, validate=True)
        return AESGCM(key).decrypt(blob[:NONCE_BYTES], blob[NONCE_BYTES:], f"{key_id}:{context}".encode()).decode()
    except (InvalidTag, ValueError) as error:
        raise SealBroken("a stored secret does not open with the configured keys") from error


def fingerprint(secret: str) -> str:
    """Eight characters by which people tell two keys apart; keyed, so that a short secret cannot be guessed from it."""
    return keyed_digest(secret, "fingerprint")[:8]


def keyed_digest(secret: str, purpose: str) -> str:
    """HMAC-SHA256 under the installation's secret key, 64 hex characters."""
    return hmac.new(f"{purpose}:{settings.SECRET_KEY}".encode(), secret.encode(), hashlib.sha256).hexdigest()


@lru_cache(maxsize=4)
def _keys(configured: str) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for item in configured.split(","):
        key_id, _, text = item.strip().partition(":")
        try:
            key = base64.b64decode(text, validate=True)
        except ValueError:
            key = b""
        if not key_id or len(key) != 32:
            raise ImproperlyConfigured("RECONSOC_ENCRYPTION_KEYS must be ID:BASE64 pairs of 32 bytes, by commas")
        keys[key_id] = key
    return keys
