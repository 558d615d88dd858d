"""What people write for lengths of time, for moments and for zones, as callbacks of options."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from etl.service.address import Address
    from etl.service.timing import Cron, Every

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"([0-9]{1,6})([smhdw])")
_WITH_OFFSET = re.compile(r"(?:[Zz]|:[0-9.]+[+-][0-9:]+)$")
# A moment so long ago is the beginning of its day, hour or minute: asked again soon after, it is the same.
_BEGINNING = {
    "s": {"microsecond": 0},
    "m": {"second": 0, "microsecond": 0},
    "h": {"minute": 0, "second": 0, "microsecond": 0},
    "d": {"hour": 0, "minute": 0, "second": 0, "microsecond": 0},
}
_BEGINNING["w"] = _BEGINNING["d"]


class _InRange:
    """A number between two limits; click has them but for the words about what is none."""

    kind: str
    min: Any
    max: Any

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return super().convert(value, param, ctx)  # type: ignore[misc]
        except click.BadParameter:
            limits = f"of {self.min:,} or more" if self.max is None else f"from {self.min:,} to {self.max:,}"
            expected = f"expected {self.kind} {limits}"
            raise click.BadParameter(f"{expected}, got {str(value)!r}", ctx=ctx, param=param) from None


class WholeNumber(_InRange, click.IntRange):
    name = "integer"
    kind = "a whole number"


class Number(_InRange, click.FloatRange):
    name = "float"
    kind = "a number"


def parse_duration(text: str) -> timedelta:
    """`90s`, `15m`, `2h`, `1d`, `2w`; ValueError says what is expected."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError("expected a length of time such as 90s, 15m, 2h or 1d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def parse_moment(text: str, now: datetime, zone: tzinfo = UTC) -> datetime:
    """A date or time, in `zone` unless it says otherwise, or how long before `now`; ValueError as above."""
    try:
        if span := _DURATION.fullmatch(text.strip()):
            local = now.astimezone(zone) - parse_duration(text)
            return local.replace(**_BEGINNING[span[2]]).astimezone(UTC)  # type: ignore[arg-type]
        return _parse_time(text.strip(), zone)
    except (ValueError, OverflowError):
        examples = "a date such as 2026-01-31, a time such as 2026-01-31T09:00Z, or 30d for so long ago"
        raise ValueError(f"expected {examples}") from None


def _parse_time(text: str, zone: tzinfo) -> datetime:
    from etl.transform.timestamps import parse_time

    moment = parse_time(text)
    return moment if _WITH_OFFSET.search(text) else moment.replace(tzinfo=zone).astimezone(UTC)


def as_duration(_context: click.Context, _option: click.Parameter, value: str | None) -> timedelta | None:
    try:
        return None if value is None else parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}, got {value!r}") from None


def as_lasting(context: click.Context, option: click.Parameter, value: str | None) -> timedelta | None:
    """A length of time that is not nothing."""
    length = as_duration(context, option, value)
    if length == timedelta():
        raise click.BadParameter(f"expected a length of time of 1s or more, got {value!r}")
    return length


def as_moment(context: click.Context, _option: click.Parameter, value: str | None) -> datetime | None:
    """In the zone of the command's `--timezone`, where it has one; that option has to be eager."""
    from etl.clock import SystemClock

    try:
        return (
            None
            if value is None
            else parse_moment(value, SystemClock().now(), context.params.get("zone", UTC))
        )
    except ValueError as error:
        raise click.BadParameter(f"{error}, got {value!r}") from None


def check_window(since: datetime | None, until: datetime | None) -> None:
    """Refuse a `--until` that is not later than `--since`: nothing can be in between."""
    if since is not None and until is not None and until <= since:
        raise click.UsageError(
            f"--until {until.isoformat()} is not later than --since {since.isoformat()}:"
            " expected the end of the window after its beginning"
        )


def as_zone(_context: click.Context, _option: click.Parameter, value: str) -> tzinfo:
    """A zone by its name in the world's database of them."""
    from zoneinfo import ZoneInfo

    if value.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(value)
    except (OSError, ValueError, LookupError):  # a folder, a path that leaves the database, none of that name
        expected = "expected the name of a zone such as Europe/Berlin or America/New_York"
        raise click.BadParameter(f"{expected}, got {value!r}") from None


def as_every(_context: click.Context, _option: click.Parameter, value: str | None) -> Every | None:
    """One length of time, or two: the shortest and the longest that may be chosen."""
    if value is None:
        return None
    from etl.service.timing import Every

    least, _, most = value.partition("..")
    try:
        lengths = {"least": parse_duration(least), "most": parse_duration(most or least)}
    except ValueError as error:
        raise click.BadParameter(f"{error}, or two such as 1m..15m, got {value!r}") from None
    try:
        return Every(**lengths)
    except ValueError as error:
        raise click.BadParameter(f"{error}, got {value!r}") from None


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
