"""The batch-calls endpoint: a request in, the true answer out. Faults are not its business.

It checks in the server's order: the key, the quota, the body, the action.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from etl.sandbox.account import SourceAccount
from etl.sandbox.batch import Batch
from etl.sandbox.keys import Keys
from etl.sandbox.messages import Request, Response
from etl.sandbox.options import ErrorShape, SandboxOptions
from etl.sandbox.paging import parse_page
from etl.sandbox.quota import Quota
from etl.sandbox.recipients import invent_recipients
from etl.sandbox.refusals import documented_body, text_body
from etl.sandbox.rows import Rows
from etl.sandbox.shapes import observed, to_json

PATH = "/functions/v1/batch-calls"
_RUNS_IN_GET = 20
_RUN_COLUMNS = (
    "id",
    "occurrence_number",
    "status",
    "started_at",
    "completed_at",
    "completed_count",
    "failed_count",
    "total_recipients",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What could be told of a request, for the journal."""

    account: str | None = None
    params: Mapping[str, object] = field(default_factory=dict)
    rows: int = 0


class _RefusedError(Exception):
    def __init__(self, status: int, message: str, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code


class Endpoint:
    """Answers one source's requests. The caller holds the world's lock."""

    def __init__(
        self,
        options: SandboxOptions,
        accounts: Mapping[str, SourceAccount],
        keys: Keys,
        rows: Rows,
        now: Callable[[], datetime],
    ) -> None:
        self.cap = options.cap  # may be changed while the source is up
        self._accounts = accounts
        self._keys = keys
        self._rows = rows
        self._now = now
        self._error_shape = options.error_shape
        self._quotas = {name: Quota(options.quota) for name in accounts} if options.quota else {}
        self._errors = 0

    def answer(self, request: Request) -> tuple[Response, Asked]:
        if request.path.partition("?")[0] != PATH:
            return self._refuse(_RefusedError(404, "Requested function was not found", "NOT_FOUND")), Asked()
        account = self._keys.account_of(request.headers.get("authorization"))
        if account is None:
            return Response(401, text_body("Unauthorized")), Asked()
        quota = self._quotas.get(account)
        if quota is None:
            return self._act(account, request)
        now = self._now().timestamp()
        if not quota.take(now):
            refusal = self._refuse(_RefusedError(429, "Rate limit exceeded", "rate_limit_exceeded"))
            return _with_headers(refusal, quota.headers(now) | quota.retry_after(now)), Asked(account)
        response, asked = self._act(account, request)
        return _with_headers(response, quota.headers(now)), asked

    def _act(self, account: str, request: Request) -> tuple[Response, Asked]:
        params: Mapping[str, object] = {}
        try:
            params = _parse_body(request.body)
            body, rows = self._perform(self._accounts[account], params)
        except _RefusedError as refusal:
            return self._refuse(refusal), Asked(account, params)
        return Response(200, body), Asked(account, params, rows)

    def _perform(self, account: SourceAccount, params: Mapping[str, object]) -> tuple[bytes, int]:
        match action := params.get("action"):
            case "list":
                return self._list(account, params)
            case "list_runs":
                return self._list_runs(account, params)
            case "get":
                return self._get(account, params)
            case _:
                told = "undefined" if "action" not in params else action
                raise _RefusedError(400, f"Unknown action: {told}", "bad_request")

    def _list(self, account: SourceAccount, params: Mapping[str, object]) -> tuple[bytes, int]:
        offset, limit = self._page(params)
        # JavaScript's `if (status)`: "", 0, null and false filter nothing; anything else is compared as text.
        status = str(given) if (given := params.get("status")) else None
        batches = account.page(offset, limit, status)
        return b'{"batches":' + self._rows.encode_list(batches) + b"}", len(batches)

    def _list_runs(self, account: SourceAccount, params: Mapping[str, object]) -> tuple[bytes, int]:
        series = _find(account, params, "parent_batch_id", "Parent batch not found")
        offset, limit = self._page(params)
        runs = account.runs(series.id)[offset : offset + limit]
        return b'{"runs":' + self._rows.encode_list(runs) + b"}", len(runs)

    def _get(self, account: SourceAccount, params: Mapping[str, object]) -> tuple[bytes, int]:
        batch = _find(account, params, "batch_id", "Batch not found")
        runs = None
        if batch.status in {"recurring", "paused"}:
            runs = [observed(run, _RUN_COLUMNS) for run in account.runs(batch.id)[:_RUNS_IN_GET]]
        rest = to_json({"recipients": invent_recipients(batch), "runs": runs})
        return b'{"batch":' + self._rows.encode(batch) + b"," + rest[1:], 1

    def _page(self, params: Mapping[str, object]) -> tuple[int, int]:
        page = parse_page(params)
        if page is None:
            raise _RefusedError(500, "Requested range not satisfiable", "internal_error")
        return page.offset, min(page.limit, self.cap)

    def _refuse(self, refusal: _RefusedError) -> Response:
        """An error in the shape that was asked for; `mixed` takes turns."""
        self._errors += 1
        mixed = self._error_shape == ErrorShape.MIXED
        if self._error_shape == ErrorShape.DOCUMENTED or (mixed and self._errors % 2 == 0):
            return Response(refusal.status, documented_body(refusal.message, refusal.code))
        return Response(refusal.status, text_body(refusal.message))


def _parse_body(body: bytes) -> Mapping[str, object]:
    """The parameters; a JSON value that is no object has none, but null cannot be taken apart."""
    try:
        document = json.loads(body.decode("utf-8-sig", "replace"), parse_constant=_refuse_constant)
    except ValueError as error:
        raise _RefusedError(500, f"Unexpected token in JSON: {error}", "internal_error") from None
    if document is None:
        raise _RefusedError(500, "Cannot destructure 'body' as it is null.", "internal_error")
    return document if isinstance(document, dict) else {}


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _find(account: SourceAccount, params: Mapping[str, object], name: str, missing: str) -> Batch:
    if not (batch_id := params.get(name)):
        raise _RefusedError(400, f"{name} is required", "bad_request")
    batch = account.get(str(batch_id))
    if batch is None:
        raise _RefusedError(404, missing, "not_found")
    return batch


def _with_headers(response: Response, headers: Mapping[str, str]) -> Response:
    return replace(response, headers={**response.headers, **headers})
