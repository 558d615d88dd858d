"""The report as a page: what stands on it, and that nothing on it can do harm."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from etl.report.figures import Ranking, Tally
from etl.report.page import render_page, shown_name
from etl.report.running import UnderWay, derive_running
from etl.report.scope import Scope
from etl.report.summary import Summary
from etl.report.sums import Cell, Sums
from etl.report.trend import derive_trend

from support.html import Reader
from support.summaries import ACCOUNTS, DAYS, EMPTY, EVIL, NOW, SUMMARY, campaign, event, health

MOST_BYTES = 300 * 1024


FULL = replace(SUMMARY, accounts=ACCOUNTS[:1])
PAGES = pytest.mark.parametrize("summary", [FULL, SUMMARY, EMPTY], ids=["full", "several", "empty"])


def read(page: str) -> Reader:
    return Reader(page)


def test_the_page_opens_with_how_old_it_is() -> None:
    text = read(render_page(FULL)).text
    assert text.index("As of 31 Mar 2026, 11:57 , 3 min before this page was made.") < text.index(
        "Calls that"
    )
    assert "No figure is older than 3 min." in text


def test_where_an_account_was_never_read_completely_no_age_is_claimed() -> None:
    text = read(render_page(SUMMARY)).text
    assert "As of" not in text
    assert "globex : no sync has been complete yet" in text


def test_the_figures_stand_on_the_page() -> None:
    text = read(render_page(FULL)).text
    for words in (
        "Calls that succeeded 90.0 % 905 of 1,005",
        "Calls made 1,005 100 failed",
        "Recipients 1,500 67.0 % reached",
        "Campaigns 4 3 running",
        "1,000 of 1,500 90.0 % 31 Mar, 11:00 31 Mar, 12:30",
        "Run again 5",
        "scheduled → running 7",
    ):
        assert words in text


def test_times_are_told_in_the_zone_of_the_scope() -> None:
    from zoneinfo import ZoneInfo

    scope = Scope(zone=ZoneInfo("Asia/Kolkata"), since=NOW - timedelta(days=1))
    text = read(render_page(replace(FULL, scope=scope))).text
    assert "Times in Asia/Kolkata." in text
    assert "As of 31 Mar 2026, 17:27" in text
    assert "created from 30 Mar 2026, 17:30" in text


@PAGES
def test_the_page_asks_for_nothing_and_runs_nothing(summary: Summary) -> None:
    page = read(render_page(summary))
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "iframe", "object", "embed", "form", "base", "img"}
    assert not [
        name for _, attrs in page.elements for name in attrs if name.startswith("on") or name == "style"
    ]
    assert page.values("src") == []
    assert all(link.startswith(("#", "data:")) for link in page.values("href"))
    assert "icon" in page.values("rel")  # else a browser asks the server for one
    assert "url(" not in render_page(summary)
    assert "@import" not in render_page(summary)


def test_the_policy_allows_the_page_s_own_styles_and_nothing_else() -> None:
    page = render_page(FULL)
    [style] = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    [policy] = [
        attrs["content"] or ""
        for tag, attrs in read(page).elements
        if tag == "meta" and attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_a_name_is_text_wherever_it_stands() -> None:
    evil = replace(
        FULL,
        ranking=Ranking(least_calls=1, ranked=1, best=(campaign(EVIL),), worst=(campaign('"><img src=x>'),)),
        under_way=UnderWay(count=1, shown=(derive_running(campaign(EVIL, account=EVIL), NOW),)),
        changes=replace(FULL.changes, events=(event(EVIL, before=EVIL, after="'\" onload=x"),)),
        sums=Sums((Cell(account=EVIL, status=EVIL, day=date(2026, 3, 1), tally=DAYS[date(2026, 3, 1)]),)),
        scope=Scope(accounts=(EVIL,), statuses=(EVIL,)),
        accounts=(health(EVIL, None, drift=(EVIL,)),),
    )
    page = read(render_page(evil))
    assert not {"script", "img"} & {tag for tag, _ in page.elements}
    assert page.text.count(EVIL) >= 7


def test_marks_that_would_reorder_the_page_are_shown_as_what_they_are() -> None:
    assert shown_name("abc\u202edef\x1b[31m") == "abc�def�[31m"
    assert "\u202e" not in render_page(SUMMARY)


@PAGES
def test_headings_go_down_one_step_at_a_time_and_ids_are_unique(summary: Summary) -> None:
    page = read(render_page(summary))
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    named = {name for value in page.values("aria-labelledby") for name in value.split()}
    assert named <= set(ids)


def test_every_chart_has_a_name_and_its_numbers_as_a_table() -> None:
    page = read(render_page(FULL))
    charts = [attrs for tag, attrs in page.elements if tag == "svg"]
    assert all(chart.get("aria-hidden") == "true" or chart.get("role") == "img" for chart in charts)
    assert "Success rate by day of creation, 1 Mar 2026 to 3 Mar 2026: lowest 90.0 %" in page.text
    for bucket in FULL.trend.buckets:
        assert f"{bucket.first_day.day} Mar 2026 {bucket.tally.campaigns}" in page.text


def test_the_charts_are_well_formed() -> None:
    for chart in re.findall(r"<svg.*?</svg>", render_page(FULL), re.DOTALL):
        ET.fromstring(chart)


def test_a_page_about_nothing_says_so() -> None:
    text = read(render_page(EMPTY)).text
    assert "No campaigns." in text
    assert "Success over time" not in text


def test_whatever_the_tables_hold_the_page_stays_small() -> None:
    long = "&" * 100_000
    cells = tuple(
        Cell(
            account=f"{number}{long}",
            status=f"{number % 500}{long}",
            day=date(2020, 1, 1) + timedelta(days=number),
            tally=Tally(campaigns=1, recipients=10**12, completed=10**12, failed=10**12),
        )
        for number in range(2000)
    )
    many = tuple(campaign(long, id=f"b-{number}", account=long) for number in range(100))
    huge = replace(
        SUMMARY,
        accounts=tuple(health(f"{number}{long}", None, drift=(long,) * 50) for number in range(100)),
        notices=SUMMARY.notices * 100,
        sums=Sums(cells),
        trend=derive_trend(Sums(cells).days),
        ranking=Ranking(least_calls=1, ranked=10**6, best=many, worst=many),
        under_way=UnderWay(count=10**6, shown=tuple(derive_running(one, NOW) for one in many)),
        changes=replace(SUMMARY.changes, events=(event(long),) * 100),
        scope=Scope(accounts=(long,) * 100),
    )
    page = render_page(huge)
    assert len(page.encode()) < MOST_BYTES
    text = read(page).text
    for words in ("485 other statuses", "1,975 other accounts", "and 999,960 more.", "588 more"):
        assert words in text
