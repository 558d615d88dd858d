"""The command `magpipe-etl`: parse, call, exit code.

A command imports what it works with when it runs, so that help and wrong use are answered at once.
"""

from etl.cli.main import main

__all__ = ["main"]
