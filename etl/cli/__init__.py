"""The command `magpipe-etl`: parse, call, exit code.

A command imports what it works with when it runs, so that help and wrong use are answered at once.
"""

from __future__ import annotations

import sys
from typing import NoReturn

INTERRUPTED = 130


def main() -> NoReturn:
    """Run the command of this process's arguments, and end the process.

    Whoever presses Ctrl-C while the modules are still being loaded is met without a traceback, too.
    """
    try:
        from etl.cli.main import main as run_and_exit

        run_and_exit()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
