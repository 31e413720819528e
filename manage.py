#!/usr/bin/env python
"""The command line of ReconSOC."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured

from reconsoc import embedded


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reconsoc.settings")
    try:
        # The settings name the servers, so they are read when the servers are there
        with embedded.servers_for(sys.argv[1:]):
            read_settings()
            from django.core.management import execute_from_command_line

            execute_from_command_line(sys.argv)
    except (embedded.EmbeddedError, ImproperlyConfigured) as error:
        sys.exit(f"reconsoc: {' '.join(str(error).split())}")
    except KeyboardInterrupt:
        sys.exit(130)


def read_settings() -> None:
    """Whatever is wrong with them is one line."""
    from django.conf import settings

    try:
        _ = settings.DATA_DIR
    except OSError as error:
        raise ImproperlyConfigured(f"{error.filename}: {error.strerror}") from error


if __name__ == "__main__":
    main()
