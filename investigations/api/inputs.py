"""What every body and query of the API has in common."""

from __future__ import annotations

from typing import Any

from ninja import Schema
from pydantic import field_validator


class Input(Schema):
    """Texts without NUL, which PostgreSQL cannot hold."""

    @field_validator("*", mode="before")
    @classmethod
    def _without_nul(cls, value: Any) -> Any:
        return value.replace("\0", "") if isinstance(value, str) else value
