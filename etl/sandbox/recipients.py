"""The people a batch calls, as `get` shows them: made from the batch itself, in the states that it counts."""

from __future__ import annotations

import random
from uuid import UUID

from etl.sandbox.batch import Batch
from etl.sandbox.shapes import observed


def invent_recipients(batch: Batch) -> list[dict[str, object]]:
    """One row a recipient; the same batch has the same ones, in numbers set aside for fiction."""
    rng = random.Random(batch.id)
    completed, attempted = batch.completed_count or 0, batch.attempted
    times = observed(batch, ("created_at", "started_at"))
    return [
        {
            "id": str(UUID(int=rng.getrandbits(128), version=4)),
            "batch_id": batch.id,
            "contact_id": None,
            "phone_number": f"+1604555{rng.randint(100, 199):04d}",
            "name": None,
            "status": "completed" if at < completed else "failed" if at < attempted else "pending",
            "call_record_id": None,
            "error_message": None,
            "attempted_at": times["started_at"] if at < attempted else None,
            "completed_at": None,
            "sort_order": at,
            "created_at": times["created_at"],
        }
        for at in range(batch.total_recipients or 0)
    ]
