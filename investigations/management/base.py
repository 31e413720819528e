"""What every command shares: one clear line for bad input, no traceback, JSON on request, safe output."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, OperationalError

from investigations.models import Actor


class Command(BaseCommand):
    """Subclasses write `run`; what they raise for bad input (ValueError, OSError ...) becomes one line, exit code 1."""

    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.run(**options)
        except ValidationError as error:
            raise CommandError(printable(" ".join(error.messages))) from None
        except OperationalError as error:
            raise CommandError(f"the database cannot be reached: {_first_line(error)}") from None
        except DatabaseError as error:
            raise CommandError(f"the database refused: {_first_line(error)}") from None
        except BrokenPipeError:
            # Whoever read our output has gone; nobody is there for a message either
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except (ValueError, OSError, ImproperlyConfigured) as error:
            raise CommandError(_first_line(error)) from None

    def run(self, **options: Any) -> None:
        raise NotImplementedError

    def say(self, text: str) -> None:
        """Print text that may hold what an attacker wrote: nothing in it can reach the terminal as a command."""
        self.stdout.write(printable(text))

    def emit(self, value: Any, *, as_json: bool, text: str) -> None:
        if as_json:
            # ASCII only: the terminal sees no control or direction character of anybody
            self.stdout.write(json.dumps(value, indent=2, default=str))
        else:
            self.say(text)


def command_actor() -> Actor:
    """Whoever can run commands on this machine acts as the machine."""
    return Actor("command line")


def printable(text: str) -> str:
    return "".join(character if character == "\n" or character.isprintable() else "�" for character in text)


def _first_line(error: Exception) -> str:
    return printable((str(error) or type(error).__name__).strip().splitlines()[0])
