"""What a run would read, and its cost, as `--dry-run` shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from etl.cli.output import print_json

if TYPE_CHECKING:
    from etl.plan import Plan

dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Show what would be read and what it would cost; write nothing."
)


def show_plans(plans: Sequence[Plan], *, as_json: bool) -> None:
    """Print a plan for each account."""
    if as_json:
        print_json({"plans": [_as_json(plan) for plan in plans]})
    else:
        for plan in plans:
            _print(plan)


def _as_json(plan: Plan) -> dict[str, object]:
    return {
        "account": plan.account,
        "mode": plan.mode,
        "requests": plan.requests,
        "reads": plan.reads,
        "reason": plan.reason,
    }


def _print(plan: Plan) -> None:
    click.echo(f"{plan.account}: {plan.mode}, {_cost(plan.requests)}: {plan.reason}")
    for read in plan.reads:
        click.echo(f"  - {read}")


def _cost(requests: int | None) -> str:
    if requests is None:
        return "an unknown number of requests"
    return "about 1 request" if requests == 1 else f"about {requests:,} requests"
