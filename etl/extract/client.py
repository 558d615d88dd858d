"""The source over HTTP: one request at a time, tried again as the answers say. httpx and tenacity live here.

`Client.fetch` returns a page or raises; between the two stand the budget, the retries, a limit on the
size of a body and on the time that it may take.
"""

from __future__ import annotations

import ssl
import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx
import tenacity

from etl.clock import Clock
from etl.errors import (
    KeyRefusedError,
    PermanentSourceError,
    RateLimitedError,
    StoppedError,
    TransientSourceError,
)
from etl.extract.answers import Answer, read_answer
from etl.extract.budget import Budget
from etl.extract.limits import read_limits
from etl.extract.page import Page
from etl.extract.walk import Read
from etl.extract.wire import Deadline, open_http
from etl.logs import Log
from etl.model import Account, Traffic

if TYPE_CHECKING:
    from etl.settings import Settings

log = Log(__name__)

# A whole answer, from its request on, may take so many times the time-out of a single read: a slow line,
# not a dribbling server.
_WHOLE_ANSWER = 4
_BACKOFF = tenacity.wait_random_exponential(multiplier=0.5, max=30)
_BETWEEN_KEY_ATTEMPTS_SECONDS = 2.0

# Told of each attempt: the status of its answer, None where there was none, and the seconds that it took.
Heard = Callable[[int | None, float], None]


class Client:
    """The batches of one account. Safe to use from several threads; `close` it at the end.

    What it sends is counted in `traffic`.
    """

    def __init__(
        self,
        account: Account,
        settings: Settings,
        *,
        clock: Clock,
        budget: Budget,
        traffic: Traffic,
        transport: httpx.BaseTransport | None = None,
        heard: Heard | None = None,
    ) -> None:
        self.traffic = traffic
        self._heard = heard
        self._settings = settings
        self._clock = clock
        self._budget = budget
        self._lock = threading.Lock()
        self._closed = False
        self._account = account.name
        self._has_told = False
        self._url = f"{settings.base_url}/batch-calls"
        self._deadline = Deadline(clock)
        self._http = open_http(settings, account.api_key, self._deadline, transport)

    def close(self) -> None:
        """Refuse further attempts, so that pages fetched ahead in vain are not tried again."""
        self._closed = True
        self._budget.close()
        self._http.close()

    def fetch(self, read: Read) -> Page:
        """Fetch one page.

        Raises TransientSourceError when the attempts or the time for them are used up, PermanentSourceError
        when the source refuses, StoppedError when the process is asked to stop while waiting.
        """
        patience = _Patience(self._settings, self._clock)
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(TransientSourceError),
            wait=_wait_seconds,
            stop=patience,
            sleep=self._sleep,
            before_sleep=self._count_retry,
            reraise=True,
        )
        return retrying(self._attempt, read, patience)

    def _attempt(self, read: Read, patience: _Patience) -> Page:
        self._clock.check_stopped()
        if self._closed:
            raise StoppedError("the walk is over")
        with self._budget.request() as request:
            patience.excuse(request.waited_seconds)
            with self._lock:
                self.traffic.requests += 1
            observed_at = self._clock.now()
            answer = self._exchange(read)
            request.limits = read_limits(answer.headers, self._clock.now(), sent_at=observed_at)
            request.refused = answer.status == 429
        if request.refused:
            with self._lock:
                self.traffic.rate_limited += 1
        page = read_answer(answer, read, observed_at)
        self._tell_repeats(page)
        return page

    def _tell_repeats(self, page: Page) -> None:
        """A page is one query: what stands twice in it contradicts it, and is taken once. Told once a run."""
        repeats = page.length - len(page.rows)
        if repeats and not self._has_told:
            self._has_told = True
            what = "rows stand twice in one page"
            log.warning(
                "source.contradicted", account=self._account, what=what, offset=page.offset, rows=repeats
            )

    def _exchange(self, read: Read) -> Answer:
        began = self._clock.monotonic()
        status: int | None = None
        try:
            answer = self._send(read)
            status = answer.status
            return answer
        finally:
            if self._heard is not None:
                self._heard(status, self._clock.monotonic() - began)

    def _send(self, read: Read) -> Answer:
        body: dict[str, object] = {"action": "list", "limit": read.limit, "offset": read.offset}
        if read.status is not None:
            body["status"] = read.status
        with self._deadline.within(self._settings.timeout_seconds * _WHOLE_ANSWER):
            return self._receive(body)

    def _receive(self, body: dict[str, object]) -> Answer:
        try:
            with self._http.stream("POST", self._url, json=body) as response:
                return Answer(
                    status=response.status_code,
                    headers=dict(response.headers),
                    body=self._read_body(response),
                )
        except httpx.TimeoutException:
            self._deadline.check()
            raise TransientSourceError(
                f"the source gave no answer within {self._settings.timeout_seconds:g} s"
            ) from None
        except httpx.TransportError as error:
            raise _connection_error(error) from None

    def _read_body(self, response: httpx.Response) -> bytes:
        encoding = response.headers.get("content-encoding", "identity")
        if encoding != "identity":
            raise TransientSourceError(
                f"the source sent a body encoded as {encoding[:20]!r}, which was not asked for"
            )
        most_bytes = self._settings.max_body_mib * 2**20
        body = bytearray()
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > most_bytes:
                raise PermanentSourceError(
                    f"the source sent more than {self._settings.max_body_mib} MiB in one answer",
                    hint="lower ETL_PAGE_SIZE, or raise ETL_MAX_BODY_MIB if the rows are really that large",
                )
            self._deadline.check()
        return bytes(body)

    def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            self._clock.sleep(seconds)

    def _count_retry(self, _state: tenacity.RetryCallState) -> None:
        with self._lock:
            self.traffic.retries += 1


class _Patience:
    """When the attempts at one request are enough, asked after each that failed.

    An error with a limit of its own is held against its own kind alone: after two time-outs a first 401 is
    still a first one. The time runs from the first failure on, without the waits for the quota: they are as
    long as the quota is, and nobody's fault.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._of_kind: Counter[type[TransientSourceError]] = Counter()
        self._failed_at: float | None = None

    def excuse(self, seconds: float) -> None:
        """So long the request had to wait for the quota."""
        if self._failed_at is not None:
            self._failed_at += seconds

    def __call__(self, state: tenacity.RetryCallState) -> bool:
        error = _error_of(state)
        now = self._clock.monotonic()
        self._of_kind[type(error)] += 1
        self._failed_at = now if self._failed_at is None else self._failed_at
        spent = now - self._failed_at + (error.retry_after_seconds or 0.0)
        return (
            state.attempt_number >= self._settings.max_attempts
            or spent > self._settings.max_retry_seconds
            or (error.most_attempts is not None and self._of_kind[type(error)] >= error.most_attempts)
        )


def _error_of(state: tenacity.RetryCallState) -> TransientSourceError:
    error = state.outcome.exception() if state.outcome else None
    return error if isinstance(error, TransientSourceError) else TransientSourceError("no answer yet")


def _wait_seconds(state: tenacity.RetryCallState) -> float:
    """Full jitter, but never sooner than the source asks; for the quota the budget waits."""
    error = _error_of(state)
    if isinstance(error, RateLimitedError):
        return 0.0
    least = _BETWEEN_KEY_ATTEMPTS_SECONDS if isinstance(error, KeyRefusedError) else 0.0
    return max(_BACKOFF(state), error.retry_after_seconds or 0.0, least)


def _connection_error(error: httpx.TransportError) -> TransientSourceError | PermanentSourceError:
    if isinstance(error.__cause__, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(error):
        return PermanentSourceError(
            "the source's TLS certificate cannot be trusted",
            hint="check MAGPIPE_BASE_URL; behind a company proxy, set SSL_CERT_FILE to its certificate",
        )
    return TransientSourceError(
        f"the connection to the source failed ({_reason(error)})",
        hint="check the network and MAGPIPE_BASE_URL",
    )


def _reason(error: BaseException) -> str:
    """What the system said, where it said something; texts of other kinds may hold what an answer held."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, OSError) and below.strerror:
            return below.strerror
        below = below.__cause__ or below.__context__
    return type(error).__name__
