from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from etl.transform.timestamps import EXPECTED_TIME, parse_time, parse_times

# A day from either end, so that every offset stays within the years 1 to 9999.
moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timedelta(minutes=minutes))


def spell_offset(offset: timedelta, style: str) -> str:
    minutes = abs(offset) // timedelta(minutes=1)
    sign = "-" if offset < timedelta(0) else "+"
    return sign + style.format(minutes // 60, minutes % 60)


@given(
    moments,
    offsets,
    st.sampled_from("Tt "),
    st.sampled_from(["{:02}:{:02}", "{:02}{:02}"]),
    st.integers(6, 9),
)
def test_a_time_is_the_same_however_it_is_spelled(
    moment: datetime, offset: timedelta, separator: str, style: str, digits: int
) -> None:
    local = moment.astimezone(timezone(offset)).replace(tzinfo=None)
    fraction = f"{local.microsecond:06}999"[:digits]
    text = f"{local.isoformat(separator, 'seconds')}.{fraction}{spell_offset(offset, style)}"
    assert parse_time(text) == moment


@given(moments)
def test_trailing_zeros_of_the_fraction_may_be_cut(moment: datetime) -> None:
    text = moment.isoformat(timespec="microseconds").removesuffix("+00:00").rstrip("0").rstrip(".")
    assert parse_time(text + "Z") == moment
    assert parse_time(text + "+00") == moment
    assert parse_time(text) == moment


@given(st.datetimes(timezones=st.timezones()))
def test_every_time_that_is_read_is_aware_and_in_utc(moment: datetime) -> None:
    try:
        parsed = parse_time(moment.isoformat())
    except ValueError:
        assert moment.year in (1, 9999)
    else:
        assert parsed == moment.astimezone(UTC)
        assert parsed.tzinfo is UTC


@given(
    st.one_of(
        st.text(),
        st.text(alphabet="0123456789-:+.,TtZzW ", max_size=40),
        st.from_regex(r"\A\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{0,10})?)?([Zz]|[+-]\d\d(:?\d\d)?)?\Z"),
    )
)
def test_any_text_is_a_time_or_is_refused_in_the_same_words(text: str) -> None:
    told = None
    try:
        assert parse_time(text).tzinfo is UTC
    except ValueError as refusal:
        told = str(refusal)
    assert told in (None, f"expected {EXPECTED_TIME}")


@given(
    st.lists(
        st.one_of(
            st.none(),
            st.from_regex(
                r"\A\d{4}-[01]\d-[0-3]\d[Tt ][0-2]\d:\d\d(:[0-6]\d(\.\d{0,10})?)?([Zz]|[+-]\d\d(:?\d\d)?)?\Z"
            ),
            st.datetimes(timezones=st.timezones()).map(datetime.isoformat),
        ),
        max_size=3,
    )
)
def test_times_that_are_read_all_at_once_are_those_that_are_read_one_by_one(texts: list[str | None]) -> None:
    try:
        at_once = parse_times(texts)
    except (ValueError, OverflowError):
        return  # then each is read by itself
    assert at_once == [text if text is None else parse_time(text) for text in texts]
    assert all(moment is None or moment.tzinfo is UTC for moment in at_once)


def test_times_of_the_usual_form_are_read_all_at_once() -> None:
    texts = [None, "2024-02-15T09:00:34.5+00:00", "2024-02-15T09:00:00.000Z", "2024-02-15T11:00:00+02:00"]
    assert parse_times(texts) == [text if text is None else parse_time(text) for text in texts]
