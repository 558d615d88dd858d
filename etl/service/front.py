"""The accounts on one small page of HTML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape

from etl.report.health import Health
from etl.report.words import ago


def render_front(accounts: Sequence[Health], now: datetime) -> str:
    """A table with a row for each account."""
    rows = "\n".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _cells(health))}</tr>" for health in accounts
    )
    titles = "".join(f"<th>{title}</th>" for title in ("account", "campaigns", "last complete sync", "wrong"))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>magpipe-etl</title></head>\n'
        f"<body><table><tr>{titles}</tr>\n{rows}</table>\n<p>{now:%Y-%m-%d %H:%M:%S} UTC</p></body></html>\n"
    )


def _cells(health: Health) -> Iterator[str]:
    yield health.facts.account
    yield f"{health.facts.rows:,}"
    yield f"{ago(health.age)} ago" if health.age is not None else "never"
    yield "; ".join(f"{incident.what}: {incident.detail}" for incident in health.incidents)
