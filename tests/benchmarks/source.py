"""A source of any number of batches, made while they are asked for, in a process of its own.

`python source.py --batches N [--latency SECONDS] [--calls N]` prints its base URL and serves until its
standard input ends. It costs no memory and little time, so that what is measured is whoever asks. One batch
in twenty, spread over the list, is at work, and has made so many calls.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CAP = 1_000  # rows of a page
LIVE = 20  # one batch in so many is running
_NEWEST = datetime(2026, 3, 1, tzinfo=UTC)
_STEP = timedelta(seconds=97, microseconds=1_000)
_STATUSES = ("completed", "completed", "completed", "completed", "failed", "cancelled")
_ROW = (
    '{"id":"%s","user_id":"11111111-1111-4111-8111-111111111111","name":"Appointment Reminders %d",'
    '"caller_id":"+16045551234","agent_id":"aaaaaaaa-0000-4000-8000-%012d","status":"%s","send_now":false,'
    '"scheduled_at":"%s","window_start_time":"09:00:00","window_end_time":"17:00:00",'
    '"window_days":[1,2,3,4,5],"max_concurrency":3,"reserved_concurrency":5,"total_recipients":%d,'
    '"completed_count":%d,"failed_count":%d,"template_id":null,"purpose":"Remind about the appointment",'
    '"goal":null,"created_at":"%s","updated_at":"%s","started_at":"%s","completed_at":"%s",'
    '"recurrence_type":"none","recurrence_interval":1,"recurrence_end_date":null,"recurrence_max_runs":null,'
    '"recurrence_run_count":0,"parent_batch_id":null,"occurrence_number":null}'
)


def row(number: int, calls: int = 0) -> str:
    """One batch as JSON; number 0 is the newest."""
    created_at = _NEWEST - number * _STEP
    created, started, ended = (
        (created_at + timedelta(minutes=minutes)).isoformat() for minutes in (0, 21, 403)
    )
    # An id as random as the source's own, the same for a number in every process.
    spread = (number * 0x9E3779B97F4A7C15F39CC0605CEDC835 + 1) % 2**128
    text = f"{spread:032x}"
    identity = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    recipients = 100 + number % 900
    completed = recipients * (50 + number % 50) // 100
    status = _STATUSES[number % len(_STATUSES)]
    if number % LIVE == 0:
        status, completed = "running", completed - 50 + calls
    return _ROW % (
        *(identity, number, number % 40, status, created, recipients, completed, recipients - completed),
        *(created, ended, started, ended),
    )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    batches = 0
    latency = 0.0
    calls = 0

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(self.latency)
        body = self._body(asked).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self, asked: dict[str, object]) -> str:
        offset, limit = int(str(asked["offset"])), int(str(asked["limit"]))
        if asked.get("status", "running") != "running":
            return '{"batches":[]}'
        step = LIVE if "status" in asked else 1
        numbers = range(0, self.batches, step)[offset : offset + min(limit, CAP)]
        rows = (row(number, self.calls) for number in numbers)
        return f'{{"batches":[{",".join(rows)}]}}'

    def log_message(self, format: str, *args: object) -> None: ...


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--batches", type=int, required=True)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--calls", type=int, default=0)
    arguments = parser.parse_args()
    _Handler.batches, _Handler.latency = arguments.batches, arguments.latency
    _Handler.calls = arguments.calls
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
