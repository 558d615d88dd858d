"""Whatever way requests take, none is refused, and the quota is used."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.sandbox.options import QuotaOptions, QuotaWindow
from etl.state.allowance import Quota, Window

from support.traffic import BudgetInMemory, Outcome, Traffic, least_seconds, run, seeded

DEFAULT = Quota(windows=(Window(most=100, seconds=60), Window(most=1000, seconds=3600)))
DOCUMENTED = (QuotaWindow(requests=100, seconds=60), QuotaWindow(requests=1000, seconds=3600))
SHORT = (QuotaWindow(requests=20, seconds=6),)  # shorter than the settings know

Kind = Literal["fixed", "sliding"]
Reset = Literal["epoch", "delay"]


def outcome_of(traffic: Traffic, quota: Quota = DEFAULT) -> Outcome:
    return run(traffic, BudgetInMemory(quota))


@given(
    windows=st.sampled_from([SHORT, DOCUMENTED[:1], (*SHORT, QuotaWindow(requests=50, seconds=30))]),
    kind=st.sampled_from(["fixed", "sliding"]),
    reset_as=st.sampled_from(["epoch", "delay"]),
    rounds_down=st.booleans(),
    workers=st.integers(1, 16),
    longest_way=st.floats(0.001, 4),
    begins=st.floats(0, 1),
    seed=st.integers(0, 2**32),
)
def test_no_request_is_refused(
    windows: tuple[QuotaWindow, ...],
    kind: Kind,
    reset_as: Reset,
    rounds_down: bool,
    workers: int,
    longest_way: float,
    begins: float,
    seed: int,
) -> None:
    traffic = Traffic(
        quota=QuotaOptions(windows=windows, kind=kind, reset_as=reset_as),
        total=2 * windows[0].requests + 5,
        workers=workers,
        seed=seed,
        way_seconds=(longest_way / 20, longest_way),
        begins=1_773_489_600 + begins,
        rounds_down=rounds_down,
    )
    assert outcome_of(traffic).refused == 0


@given(
    kind=st.sampled_from(["fixed", "sliding"]),
    workers=st.integers(1, 16),
    longest_way=st.floats(0.001, 4),
    seed=st.integers(0, 2**32),
)
def test_a_source_without_headers_refuses_none_either(
    kind: Kind, workers: int, longest_way: float, seed: int
) -> None:
    traffic = Traffic(
        quota=QuotaOptions(windows=SHORT, kind=kind),
        total=50,
        workers=workers,
        seed=seed,
        way_seconds=(longest_way / 20, longest_way),
        tells=False,
    )
    assert outcome_of(traffic, Quota(windows=(Window(most=20, seconds=6),))).refused == 0


@pytest.mark.parametrize("reset_as", ["epoch", "delay"])
@pytest.mark.parametrize("kind", ["fixed", "sliding"])
def test_little_more_time_is_taken_than_a_quota_costs_that_is_known_from_headers_alone(
    kind: Kind, reset_as: Reset, seed: int
) -> None:
    quota = QuotaOptions(windows=SHORT, kind=kind, reset_as=reset_as)
    traffic = seeded(Traffic(quota=quota, total=60), seed)
    outcome = outcome_of(traffic)
    assert (outcome.refused, len(outcome.sent_at)) == (0, 60)
    assert outcome.seconds <= 1.3 * least_seconds(traffic)


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("kind", ["fixed", "sliding"])
def test_the_documented_quota_is_used_to_the_full(kind: Kind, tells: bool) -> None:
    traffic = Traffic(quota=QuotaOptions(windows=DOCUMENTED, kind=kind), total=1_200, tells=tells)
    outcome = outcome_of(traffic)
    assert outcome.refused == 0
    # The second thousand begins after an hour, and 200 requests are two minutes' worth.
    assert 3_660 <= outcome.seconds <= 1.02 * 3_660


def test_a_share_leaves_the_rest_of_what_the_source_tells(seed: int) -> None:
    traffic = seeded(Traffic(quota=QuotaOptions(windows=SHORT), total=35), seed)
    windows = (Window(most=50, seconds=60), Window(most=500, seconds=3600))
    sent_at = outcome_of(traffic, Quota(windows=windows, share=0.5)).sent_at
    assert all(later - earlier > 5.9 for earlier, later in zip(sent_at, sent_at[10:], strict=False))
