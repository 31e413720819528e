"""Playbooks: Python that a site may change and keep in Git. The registry is this dictionary."""

from investigations.playbooks.base import Playbook
from investigations.playbooks.recon import ReconTriage

PLAYBOOKS: dict[str, type[Playbook]] = {ReconTriage.name: ReconTriage}
