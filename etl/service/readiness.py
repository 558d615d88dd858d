"""Whether the service is ready: every account's last complete sync is young enough. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from etl.report.health import Health


def is_ready(accounts: Sequence[Health]) -> bool:
    """Whether there are accounts, and no configured one's data is older than it may be."""
    configured = [health for health in accounts if health.configured]
    return bool(configured) and not any(health.stale for health in configured)


def readiness_as_json(accounts: Sequence[Health], faults: Mapping[str, str]) -> dict[str, Any]:
    """What `/readyz` shows; `faults` says by account why it is not worked for at all."""
    return {
        "ready": is_ready(accounts),
        "accounts": [
            {
                "account": health.facts.account,
                "ready": not health.stale,
                "age_seconds": round(health.age.total_seconds(), 3) if health.age is not None else None,
                "reasons": list(_reasons(health, faults)),
            }
            for health in accounts
            if health.configured
        ],
    }


def _reasons(health: Health, faults: Mapping[str, str]) -> Iterator[str]:
    if fault := faults.get(health.facts.account):
        yield fault
    if health.age is None:
        yield "no sync was complete yet"
    elif health.stale:
        yield "the last complete sync is older than it may be"
    yield from (f"{incident.what}: {incident.detail}" for incident in health.incidents)
