"""magpipe-etl: Magpipe's batch calls in SQLite or PostgreSQL, with proof that none is missing.

The way of the data, and the files along it:

    cli/            a command: parse, call app, print, exit code
    service/        the same by a schedule, for years: turns, HTTP, notifications
    app             puts the parts together for each command
    work            the frame of a run: lock, client, an end that tells
    jobs/           what a run can be: sync (plan, then read), backfill, replay
    verify/         the table held against the source, each difference explained
    standing        how each account stands, by the tables and its quota
    survey          what the database knows before a sync
    plan            what is known -> which reads, and what they cost      (pure)
    reader          the reads of a run, each page given to it at once
    run             a run's transactions: a page, its history and its progress are one
    extract/
      client        one request, tried again as the answers say           (over wire, all HTTP of the source)
      wire          its connections, and how long anybody waits on one
      answers       what each answer means                                (pure)
      limits        what its headers say of the quota                     (pure)
      budget        when the next request may be sent
      split, page   the body cut into raw rows; their place in the list   (pure)
      walk          the link rules: what is proven, what to read next     (pure; start here)
      frontier      the border of what is proven                          (pure)
      lengths       how long a page can be, and whether that changes      (pure)
      ending        how sure it is that the list ends where it seems to   (pure)
      patience      how long a walk goes on without getting anywhere      (pure)
      search        where in the list an instant lies                     (pure)
      ahead         the walk's pages, fetched before they are asked for
      handful       those that come together, to be loaded together
      listing       these together: what can be proven of one account's list
    proof, interval what travels from extract to load
    coverage        what is proven of the list, and since when            (pure)
    transform/      raw rows to records: times, rates, faults             (pure)
    load/
      page          one proof into the tables
      changes       which rows changed                                    (pure)
      stored        what the table knows of them
      bulk          many rows at once, each database in its own way
      lookup        many keys as one parameter, many rows as one value
      facts         what holds for all of an account, so that no page asks for it
      batches, deletes, quarantine, drift, replay
    state/          runs, coverage in its table, the lock of an account
      quota         what was sent with a key, and what the source told of it
      allowance     whether one more may be sent                          (pure)
      incidents     what is wrong for longer than a run, so that it is told once
    report/         figures and how they look in a terminal, on a page, as JSON
    export/         tables and views as Parquet, CSV and JSON Lines
    sandbox/        a local source with every fault of the real one
    migrate, rights, engine, damage, refusals, tables, views, settings/, model, progress, threads,
    atomic_file, spreadsheet, logs, clock, errors, version

`from etl import sync, Settings` is for other programs; nothing heavy is loaded before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from etl.app import backfill, sync
    from etl.model import RunSummary
    from etl.settings import Settings

__all__ = ["RunSummary", "Settings", "backfill", "sync"]

_HOMES = {"sync": "etl.app", "backfill": "etl.app", "Settings": "etl.settings", "RunSummary": "etl.model"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'etl' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
