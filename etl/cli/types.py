"""What people write for lengths of time and for moments, as callbacks of options."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from etl.service.address import Address
    from etl.service.timing import Cron, Every

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"([0-9]{1,6})([smhdw])")


def parse_duration(text: str) -> timedelta:
    """`90s`, `15m`, `2h`, `1d`, `2w`; ValueError says what is expected."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError("expected a length of time such as 90s, 15m, 2h or 1d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def parse_moment(text: str, now: datetime) -> datetime:
    """A date or time, in UTC unless it says otherwise, or how long before `now`; ValueError as above."""
    from etl.transform.timestamps import parse_time

    try:
        return now - parse_duration(text) if _DURATION.fullmatch(text.strip()) else parse_time(text.strip())
    except (ValueError, OverflowError):
        examples = "a date such as 2026-01-31, a time such as 2026-01-31T09:00Z, or 30d for so long ago"
        raise ValueError(f"expected {examples}") from None


def as_time(_context: click.Context, _option: click.Parameter, value: str | None) -> datetime | None:
    """A date or time that means the same whenever it is said."""
    from etl.transform.timestamps import parse_time

    try:
        return None if value is None else parse_time(value.strip())
    except ValueError:
        examples = "a date such as 2026-01-31 or a time such as 2026-01-31T09:00Z"
        raise click.BadParameter(f"expected {examples}, got {value!r}") from None


def as_duration(_context: click.Context, _option: click.Parameter, value: str | None) -> timedelta | None:
    try:
        return None if value is None else parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}, got {value!r}") from None


def as_moment(_context: click.Context, _option: click.Parameter, value: str | None) -> datetime | None:
    from etl.clock import SystemClock

    try:
        return None if value is None else parse_moment(value, SystemClock().now())
    except ValueError as error:
        raise click.BadParameter(f"{error}, got {value!r}") from None


def as_every(_context: click.Context, _option: click.Parameter, value: str | None) -> Every | None:
    """One length of time, or two: the shortest and the longest that may be chosen."""
    if value is None:
        return None
    from etl.service.timing import Every

    least, _, most = value.partition("..")
    try:
        return Every(least=parse_duration(least), most=parse_duration(most or least))
    except ValueError as error:
        raise click.BadParameter(f"{error}, or two such as 1m..15m, got {value!r}") from None


def as_cron(_context: click.Context, _option: click.Parameter, value: str | None) -> Cron | None:
    if value is None:
        return None
    from etl.service.timing import parse_cron

    try:
        return parse_cron(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}, got {value!r}") from None


def as_address(_context: click.Context, _option: click.Parameter, value: str) -> Address | None:
    from etl.service.address import parse_address

    try:
        return None if value == "none" else parse_address(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}, got {value!r}") from None
