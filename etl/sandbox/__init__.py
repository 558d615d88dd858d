"""A local source that answers the batch-calls endpoint as Magpipe does, faults on demand.

Over a socket, for people, demos and processes:

    from etl.sandbox import SandboxOptions, serve

    with serve(SandboxOptions(batches=2_000, seed=7, live=True)) as server:
        server.base_url                         # http://127.0.0.1:PORT/functions/v1
        server.key                              # of the first account; server.keys has one an account
        server.sandbox.account.create(name="New campaign")

In process, for tests (a transport over it stands in tests/support/sandbox.py):

    sandbox = Sandbox(SandboxOptions(batches=50), now=clock.now)
    sandbox.account.rerun(batch_id)             # the truth: sandbox.world["default"], operations by name
    sandbox.faults.next("bad_gateway", "reset") # the next two answers; see etl.sandbox.faults.KINDS
    sandbox.faults.at(7, faults.slow(3.0))      # the seventh request
    sandbox.before = lambda number, world: …    # ahead of every answer
    sandbox.rows.corrupt(batch_id, {"created_at": "not a time"})
    sandbox.rows.mend(batch_id)
    sandbox.cap = 200                           # the server's clamp, from now on
    sandbox.keys.revoke(sandbox.key)
    [entry.offset for entry in sandbox.journal] # what was asked

Options that cannot be served raise SettingsError. Same seed and same `until`: same world, same keys.
"""

from etl.sandbox import faults
from etl.sandbox.account import SourceAccount
from etl.sandbox.batch import Batch
from etl.sandbox.journal import Entry, Journal
from etl.sandbox.messages import Request, Response, Wire
from etl.sandbox.options import ErrorShape, QuotaOptions, QuotaWindow, SandboxOptions, Shape
from etl.sandbox.server import SandboxServer, serve
from etl.sandbox.source import Sandbox
from etl.sandbox.world import World

__all__ = [
    "Batch",
    "Entry",
    "ErrorShape",
    "Journal",
    "QuotaOptions",
    "QuotaWindow",
    "Request",
    "Response",
    "Sandbox",
    "SandboxOptions",
    "SandboxServer",
    "Shape",
    "SourceAccount",
    "Wire",
    "World",
    "faults",
    "serve",
]
