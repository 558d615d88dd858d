from __future__ import annotations

import pytest

from etl.sandbox.paging import Page, parse_page


@pytest.mark.parametrize(
    ("params", "page"),
    [
        ({}, Page(0, 50)),
        ({"limit": 10, "offset": 20}, Page(20, 10)),
        ({"limit": 10.0, "offset": 20.0}, Page(20, 10)),
        ({"limit": True, "offset": False}, Page(0, 1)),
        # Strings are joined: "20" + "10" - 1 - 20 + 1.
        ({"limit": "10", "offset": 20}, Page(20, 1990)),
        ({"limit": 10, "offset": "20"}, Page(20, 1990)),
        ({"limit": "10"}, Page(0, 10)),
        ({"limit": [10], "offset": 20}, Page(20, 1990)),
        # A negative offset: what of the range is not negative.
        ({"limit": 10, "offset": -4}, Page(0, 6)),
        ({"limit": 10, "offset": -10}, Page(0, 0)),
        ({"limit": 10, "offset": -11}, None),
        # PostgREST knows a limit of nothing only without an offset.
        ({"limit": 0}, Page(0, 0)),
        ({"limit": None}, Page(0, 0)),
        ({"limit": 0, "offset": 20}, None),
        ({"limit": None, "offset": 20}, None),
        ({"limit": -5}, None),
        ({"limit": "ten", "offset": 20}, None),
        ({"limit": "ten"}, Page(0, 0)),
        ({"limit": {}, "offset": 20}, None),
        ({"limit": [5], "offset": [None, 2]}, Page(0, 0)),
        ({"limit": 5, "offset": {}}, Page(0, 0)),
        ({"limit": 10, "offset": 1.5}, Page(0, 10)),
        ({"limit": 2.5, "offset": 20}, None),
        ({"limit": 10**21}, Page(0, 0)),
        ({"limit": 1e400}, Page(0, 0)),
        ({"limit": "1e3"}, Page(0, 1000)),
        ({"limit": "1_0"}, Page(0, 0)),
        ({"limit": 10, "offset": "+4"}, Page(0, 406)),
        ({"limit": 10, "offset": ""}, Page(0, 10)),
        ({"limit": 10, "offset": [None]}, Page(0, 10)),
        ({"limit": 10, "offset": None}, Page(0, 10)),
    ],
)
def test_limit_and_offset_mean_what_they_mean_to_the_server(
    params: dict[str, object], page: Page | None
) -> None:
    assert parse_page(params) == page
