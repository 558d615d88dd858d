"""The report as JSON types."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from etl.report.figures import Campaign, Tally
from etl.report.summary import Summary


def summary_as_json(summary: Summary) -> dict[str, Any]:
    """What `report --json` prints; rates are shares from 0 to 1, or null where nothing was attempted."""
    scope = summary.scope
    return {
        "generated_at": summary.now.isoformat(),
        "since": _moment(scope.since),
        "until": _moment(scope.until),
        "accounts": [
            {"account": account, "last_complete_at": _moment(moment)}
            for account, moment in summary.last_complete.items()
        ],
        "total": _tally(summary.total),
        "statuses": [{"status": status, **_tally(tally)} for status, tally in summary.statuses.items()],
        "trend": {
            "step": summary.trend.step,
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
        "running": [_campaign(campaign) for campaign in summary.running],
        "warnings": {
            "quarantined_rows": summary.oddities.rows_set_aside,
            "quarantined_fields": summary.oddities.fields_set_aside,
            "inconsistent_counts": summary.oddities.inconsistent,
            "without_created_at": summary.oddities.without_time,
        },
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


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
