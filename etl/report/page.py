"""The report as one HTML page that needs nothing else: no network, no script, no file beside it.

Its size is bounded whatever the tables hold: lists are cut with a count of what is left out, and names are
cut too. Every text goes through the template's escaping; the sheet of styles is named in the policy by its
hash, so that nothing that slipped through could run or load anything.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from etl.report.bars import outcome_bar, share_bar
from etl.report.changes import Event
from etl.report.safe_text import harmless
from etl.report.summary import Summary
from etl.report.sums import top
from etl.report.trend_chart import NARROW, WIDE, describe, draw_trend, name_step
from etl.report.words import ago, instant, percent, short_instant, shortened
from etl.version import VERSION

MOST_CAMPAIGNS: Final = 40  # in each list
MOST_STATUSES: Final = 15
MOST_ACCOUNTS: Final = 25
MOST_NOTICES: Final = 12
LONGEST_NAME: Final = 90
LONGEST_SENTENCE: Final = 300


def render_page(summary: Summary) -> str:
    """The page, from `<!doctype html>` to its end."""
    environment, local = _environment(), summary.scope.local
    return environment.get_template("page.html").render(
        summary=summary,
        total=summary.sums.total,
        statuses=top(summary.sums.statuses, MOST_STATUSES),
        accounts=top(summary.sums.accounts, MOST_ACCOUNTS),
        running=summary.under_way.shown[:MOST_CAMPAIGNS],
        best=summary.ranking.best[:MOST_CAMPAIGNS],
        worst=summary.ranking.worst[:MOST_CAMPAIGNS],
        events=summary.changes.events[:MOST_CAMPAIGNS],
        several=len(summary.accounts) > 1,
        notices=summary.notices[:MOST_NOTICES],
        notices_left_out=max(len(summary.notices) - MOST_NOTICES, 0),
        read_at=summary.read_at,
        proven_at=summary.proven_at,
        wide_trend=draw_trend(summary.trend, WIDE, title_id="trend-wide"),
        narrow_trend=draw_trend(summary.trend, NARROW, title_id="trend-narrow"),
        instant=lambda moment: instant(local(moment)),
        local=local,
        brief=lambda moment: short_instant(local(moment), local(summary.now)),
        policy=policy(environment.get_template("page.css").render()),
        version=VERSION,
    )


def policy(sheet: str) -> str:
    """What the page may do: show itself in this one sheet of styles, and an icon that it holds itself."""
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )


def shown_name(text: str | None, most: int = LONGEST_NAME) -> str:
    """A text from elsewhere, of one line, without marks that would reorder the page, and not too long."""
    return shortened(harmless(text), most)


def tell(event: Event) -> str:
    """What happened to a campaign, in a word or two."""
    match event.change:
        case "inserted":
            return f"new, {event.after}"
        case "deleted":
            return "gone"
        case "revived":
            return "back"
        case _:
            return f"{event.before} → {event.after}"


def span(later: datetime, earlier: datetime) -> str:
    return ago(later - earlier)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("etl.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=lambda count: f"{count:,}",
        percent=percent,
        name=shown_name,
        sentence=lambda text: shown_name(text, LONGEST_SENTENCE),
        outcome_bar=outcome_bar,
        share_bar=share_bar,
        tell=tell,
    )
    environment.globals.update(span=span, describe=describe, name_step=name_step)
    return environment
