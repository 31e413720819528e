#!/usr/bin/env python
"""The command line of ReconSOC."""

import os
import sys

from reconsoc import embedded


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reconsoc.settings")
    # An embedded server must be there before the settings are read
    try:
        with embedded.servers_for(sys.argv[1:]):
            from django.core.management import execute_from_command_line

            execute_from_command_line(sys.argv)
    except embedded.EmbeddedError as error:
        sys.exit(f"reconsoc: {error}")


if __name__ == "__main__":
    main()
