"""Each account's health as lines for a terminal, and as JSON types."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from etl.clock import MOST_APART
from etl.report.columns import Whole
from etl.report.health import Health, QuotaUse, Run
from etl.report.safe_text import harmless
from etl.report.words import ago


def health_as_json(health: Health) -> dict[str, Any]:
    """One entry of `accounts` in `status --json`."""
    facts = health.facts
    return {
        "account": facts.account,
        "configured": health.configured,
        "last_run": _run_as_json(facts.last_run) if facts.last_run else None,
        "last_complete_at": _moment(facts.last_complete.finished_at) if facts.last_complete else None,
        "age_seconds": round(health.age.total_seconds(), 3) if health.age is not None else None,
        "stale": health.stale,
        "interrupted": health.interrupted,
        "oldest_proof_at": _moment(health.oldest_proof_at),
        "rows": facts.rows,
        "deleted": facts.deleted,
        "quarantined_open": facts.rows_set_aside + facts.fields_set_aside,
        "quarantined_rows": facts.rows_set_aside,
        "quarantined_fields": facts.fields_set_aside,
        "quota": _quota_as_json(health.quota) if health.quota else None,
        "coverage": [
            {
                "created_from": _moment(covered.interval.after),
                "created_to": _moment(covered.interval.upto),
                "proven_at": _moment(covered.proven_at),
            }
            for covered in facts.coverage
        ],
        "incidents": [
            {
                "kind": incident.kind,
                "since": _moment(incident.since),
                "times": incident.times,
                "detail": f"{incident.what}: {incident.detail}",
            }
            for incident in health.incidents
        ],
        "drift": list(facts.drift),
    }


def render_health(accounts: Iterable[Health], now: datetime) -> list[Whole | Text]:
    """A table of the accounts, then a line for each thing that somebody should know."""
    accounts = list(accounts)
    return [
        _table(accounts, now),
        *(remark for health in accounts for remark in _remarks(health, now)),
    ]


def _table(accounts: Iterable[Health], now: datetime) -> Whole:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("account", overflow="fold")
    for title in ("age", "last run"):
        table.add_column(title, no_wrap=True)
    for title in ("rows", "gone", "aside", "proof", "quota"):
        table.add_column(title, justify="right", no_wrap=True)
    for health in accounts:
        facts = health.facts
        table.add_row(
            Text(facts.account, style="" if health.configured else "dim"),
            _freshness(health),
            _last_run(health, now),
            f"{facts.rows:,}",
            f"{facts.deleted:,}",
            f"{facts.rows_set_aside + facts.fields_set_aside:,}",
            ago(now - health.oldest_proof_at) if health.oldest_proof_at else "none",
            _quota(health.quota),
        )
    return Whole(table)


def _freshness(health: Health) -> Text:
    text = "never" if health.age is None else ago(health.age)
    return Text(f"{text}, stale" if health.stale else text, style="red" if health.stale else "")


def _quota(quota: QuotaUse | None) -> str:
    """Of the longest window: that is the one that a day's work runs into."""
    return f"{quota.windows[-1].used:,}/{quota.windows[-1].most:,}" if quota and quota.windows else ""


def _last_run(health: Health, now: datetime) -> Text:
    run = health.facts.last_run
    if run is None:
        return Text("none")
    status = "interrupted" if health.interrupted else run.status
    since = now - (run.heartbeat_at if health.interrupted else run.finished_at or run.started_at)
    style = {"succeeded": "green", "running": "cyan"}.get(status, "red")
    return Text(f"{status}, {ago(since)}", style=style)


def _remarks(health: Health, now: datetime) -> Iterable[Text]:
    name = health.facts.account
    for incident in health.incidents:
        times = f"{incident.times} in a row, " if incident.times > 1 else ""
        line = f"{name}: {incident.what} ({times}for {ago(now - incident.since)}): {incident.detail}"
        yield Text(harmless(line), style="red")
    if health.quota and health.quota.not_before and health.quota.not_before > now:
        wait = ago(health.quota.not_before - now)
        yield Text(f"{name}: the source asked for no request in the next {wait}", style="yellow")
    if (run := health.facts.last_run) and run.heartbeat_at - now > MOST_APART:
        ahead = ago(run.heartbeat_at - now)
        yield Text(
            f"{name}: the clock of its last run was {ahead} ahead of this one: no age can be told",
            style="red",
        )
    if health.facts.drift:
        yield Text(
            harmless(f"{name}: unknown to this version: {', '.join(health.facts.drift)}"), style="yellow"
        )
    if not health.configured:
        yield Text(f"{name}: no longer among the configured accounts", style="dim")


def _quota_as_json(quota: QuotaUse) -> dict[str, Any]:
    return {
        "windows": [
            {"seconds": window.seconds, "most": window.most, "used": window.used} for window in quota.windows
        ],
        "told_remaining": quota.told_remaining,
        "resets_at": _moment(quota.resets_at),
        "not_before": _moment(quota.not_before),
    }


def _run_as_json(run: Run) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "mode": run.mode,
        "status": run.status,
        "complete": run.complete,
        "started_at": _moment(run.started_at),
        "heartbeat_at": _moment(run.heartbeat_at),
        "finished_at": _moment(run.finished_at),
        "requests": run.requests,
        "error": run.error,
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
