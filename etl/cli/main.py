"""The entry point: whatever happens becomes an exit code and, at most, one clear sentence on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import NoReturn

import click

from etl.cli import INTERRUPTED
from etl.cli.invocation import Invocation
from etl.cli.output import print_error, print_traceback
from etl.cli.process import prepare_process
from etl.cli.root import root
from etl.errors import EtlError, SettingsError

PROGRAM = "magpipe-etl"


def main() -> NoReturn:
    """Run the command of this process's arguments, and end the process."""
    prepare_process()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name that the terminal has no letters for is no fault
    sys.exit(run())


def run(arguments: Sequence[str] | None = None, command: click.Command = root) -> int:
    """Run one command; gives its exit code."""
    invocation = Invocation()
    try:
        code = command.main(arguments, PROGRAM, standalone_mode=False, obj=invocation)
        sys.stdout.flush()
        return int(code or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.ClickException as error:
        return _complain(invocation, _as_sentence(error), _hint_of(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except EtlError as error:
        return _complain(invocation, _told(error), error.hint, error.exit_code)
    except BrokenPipeError:
        return _leave_pipe()
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _complain(invocation, f"the system refused: {where}{error.strerror or error}", None, 1)
    except Exception as error:  # noqa: BLE001  the one place where everything ends
        return _own_up(invocation, error)


def _told(error: EtlError) -> str:
    if not isinstance(error, SettingsError) or len(error.faults) == 1:
        return str(error)
    return "\n  - ".join((f"{len(error.faults)} settings cannot be used:", *error.faults))


def _as_sentence(error: click.ClickException) -> str:
    """Click's words, in the manner of this program's own."""
    message = " ".join(error.format_message().split()).removesuffix(".")
    return message[:1].lower() + message[1:]


def _hint_of(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"see `{context.command_path if context else PROGRAM} --help`"


def _complain(invocation: Invocation, message: str, hint: str | None, code: int) -> int:
    print_error(message, hint, invocation)
    return code


def _own_up(invocation: Invocation, error: Exception) -> int:
    """A fault that nobody foresaw. Its text may hold a row's values: without -v only its kind is told."""
    hint = "please report it"
    if invocation.verbosity > 0:
        print_traceback(error, invocation)
    else:
        hint = "run it again with -v for the traceback, and please report it"
    return _complain(invocation, f"this is a bug of {PROGRAM}: {type(error).__name__}", hint, 1)


def _leave_pipe() -> int:
    """Whoever read the output has gone, which is no fault; Python must not try again when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
