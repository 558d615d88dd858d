"""The report as JSON types."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from etl.report.changes import Changes
from etl.report.figures import Campaign, Tally
from etl.report.health import Health
from etl.report.summary import Summary


def summary_as_json(summary: Summary) -> dict[str, Any]:
    """What `report --json` prints; rates are shares from 0 to 1, or null where nothing was attempted."""
    scope = summary.scope
    return {
        "generated_at": summary.now.isoformat(),
        "since": _moment(scope.since),
        "until": _moment(scope.until),
        "timezone": scope.zone_name,
        "only_statuses": list(scope.statuses),
        "accounts": [_account(health, summary) for health in summary.accounts],
        "total": _tally(summary.sums.total),
        "statuses": [{"status": status, **_tally(tally)} for status, tally in summary.sums.statuses.items()],
        "trend": {
            "step": summary.trend.step,
            "earlier": _tally(summary.trend.earlier),
            "buckets": [
                {"first_day": bucket.first_day.isoformat(), **_tally(bucket.tally)}
                for bucket in summary.trend.buckets
            ],
        },
        "ranking": {
            "least_calls": summary.ranking.least_calls,
            "ranked": summary.ranking.ranked,
            "best": [_campaign(campaign) for campaign in summary.ranking.best],
            "worst": [_campaign(campaign) for campaign in summary.ranking.worst],
        },
        "running_count": summary.under_way.count,
        "running": [
            {
                **_campaign(one.campaign),
                "seen_at": _moment(one.seen_at),
                "expected_end_at": _moment(one.expected_end_at),
            }
            for one in summary.under_way.shown
        ],
        "changes": _changes(summary.changes),
        "warnings": {
            "quarantined_rows": summary.oddities.rows_set_aside,
            "quarantined_fields": summary.oddities.fields_set_aside,
            "inconsistent_counts": summary.oddities.inconsistent,
            "without_created_at": summary.oddities.without_time,
        },
        "notices": [asdict(notice) for notice in summary.notices],
    }


def _account(health: Health, summary: Summary) -> dict[str, Any]:
    ended = health.facts.last_complete.finished_at if health.facts.last_complete else None
    proof, account = health.oldest_proof_at, health.facts.account
    return {
        "account": account,
        "last_complete_at": _moment(ended),
        "oldest_proof_at": _moment(proof),
        "stale": health.stale,
        **_tally(summary.sums.accounts.get(account, Tally())),
    }


def _tally(tally: Tally) -> dict[str, Any]:
    return {
        "campaigns": tally.campaigns,
        "recipients": tally.recipients,
        "attempted": tally.attempted,
        "completed": tally.completed,
        "failed": tally.failed,
        "success_rate": tally.success_rate,
        "completion_rate": tally.completion_rate,
    }


def _campaign(campaign: Campaign) -> dict[str, Any]:
    figures = _tally(campaign.tally)
    del figures["campaigns"]
    return {
        "account": campaign.account,
        "id": campaign.id,
        "name": campaign.name,
        "status": campaign.status,
        "started_at": _moment(campaign.started_at),
        **figures,
    }


def _changes(changes: Changes) -> dict[str, Any]:
    events = [{**asdict(event), "observed_at": _moment(event.observed_at)} for event in changes.events]
    return {**asdict(changes), "since": _moment(changes.since), "events": events}


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
