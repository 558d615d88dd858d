"""Stopping on request."""

from __future__ import annotations

import signal
import sys

import pytest

from etl.cli.stop import stoppable_clock, terminated_as_interrupted
from etl.errors import StoppedError


@pytest.mark.parametrize("at_terminal", [True, False])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_clock_and_says_what_happens_to_whoever_looks(
    number: signal.Signals,
    at_terminal: bool,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: at_terminal)
    with stoppable_clock() as clock:
        clock.check_stopped()
        signal.raise_signal(number)
        with pytest.raises(StoppedError):
            clock.sleep(60)
    told = "\nstopping after the page in hand; once more to stop at once\n" if at_terminal else ""
    assert capfd.readouterr().err == told


def test_afterwards_signals_mean_what_they_meant_before() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with stoppable_clock():
        assert signal.getsignal(signal.SIGINT) not in before
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_sigterm_ends_a_block_as_ctrl_c_does_and_only_that_block() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), terminated_as_interrupted():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before
