"""People and their roles."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models

from investigations.choices import Role


class User(AbstractUser):
    """A person on duty. What a role may do stands in access.py."""

    role = models.CharField(max_length=10, choices=Role, default=Role.VIEWER)

    # One word for a person in every page; nothing else of AbstractUser's name fields is asked for
    def __str__(self) -> str:
        return self.username
