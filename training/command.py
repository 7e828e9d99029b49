"""How a training command starts and ends: a sentence instead of a traceback for what the user can mend."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from inference.errors import AppError
from training.errors import TrainingError


def command_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser that shows a module's docstring as it is written."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def run_command(parser: argparse.ArgumentParser, work: Callable[[argparse.Namespace], None]) -> None:
    """Parse the command line and do the work; exits with 1 and a sentence when it is refused."""
    arguments = parser.parse_args()
    try:
        work(arguments)
    except (TrainingError, AppError) as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(1) from error
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        raise SystemExit(130) from None
