"""The app: what is connected when Django starts."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class InvestigationsConfig(AppConfig):
    name = "investigations"
    verbose_name = "ReconSOC"

    def ready(self) -> None:
        from investigations import accounts, checks

        accounts.connect()
        checks.connect()
        # Like permissions and content types: a database is complete as soon as its tables are
        post_migrate.connect(_install_defaults, sender=self)


def _install_defaults(**kwargs: Any) -> None:
    from investigations.services import defaults

    defaults.install()
