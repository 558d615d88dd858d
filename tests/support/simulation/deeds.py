"""All that can happen at the source, each deed by name: what people, calls and deployments do there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from support.simulation.rows import OPTIONAL, ROW_FAULTS, UNPLACED
from support.simulation.world import Batch, World

LIVE = ("draft", "scheduled", "running", "paused", "recurring")
ENDED = ("completed", "cancelled", "failed")
MOST_UNPLACED = 2  # a list of rows without readable times has no order that could be proven

Deed = Callable[[World], bool]  # whether it could be done


def _create(world: World) -> bool:
    add_batch(world, world.now())
    return True


def _create_in_step(world: World) -> bool:
    """Two transactions of one instant."""
    newest = max((batch.place for batch in world.listed if batch.created_at), default=world.now())
    add_batch(world, newest)
    return True


def _create_late(world: World) -> bool:
    """created_at is when a transaction began; the row is seen when it ends, after rows that began later."""
    add_batch(world, world.now(earlier_seconds=world.rng.choice((0.5, 5, 20))))
    return True


def _create_undated(world: World) -> bool:
    if not world.habits.undated:
        return False
    world.add(created_at=None, name="undated", updated_at=world.now())
    return True


def add_batch(world: World, created_at: object) -> Batch:
    rng = world.rng
    undated = rng.random() < world.habits.undated
    status = rng.choice((*LIVE, "completed", "novel"))
    return world.add(
        created_at=None if undated else created_at,
        name=rng.choice(("Reminder", "تذكير بالموعد", "🦷\u2028\ttabs", '"quoted" \\')),
        status=status,
        total_recipients=rng.choice((None, 0, 10, 100)),
        completed_count=0 if rng.random() < 0.9 else None,
        updated_at=world.now(),
    )


def _start(world: World) -> bool:
    return _move(world, ("draft", "scheduled"), status="running", started_at=world.now())


def _progress(world: World) -> bool:
    batch = _pick(world, ("running",))
    if batch is None:
        return False
    batch.completed_count = (batch.completed_count or 0) + world.rng.randint(0, 9)
    batch.failed_count = (batch.failed_count or 0) + world.rng.randint(0, 3)
    _touch(world, batch)
    return True


def _finish(world: World) -> bool:
    status = world.rng.choice(("completed", "completed", "failed"))
    return _move(world, ("running",), status=status, completed_at=world.now())


def _rerun(world: World) -> bool:
    again = {"completed_count": 0, "failed_count": 0, "started_at": world.now()}
    return _move(world, ENDED, status="running", **again)


def _pause(world: World) -> bool:
    return _move(world, ("running", "recurring"), status="paused")


def _resume(world: World) -> bool:
    return _move(world, ("paused",), status="running")


def _cancel(world: World) -> bool:
    return _move(world, LIVE, status="cancelled")


def _schedule(world: World) -> bool:
    return _move(world, ("draft",), status="scheduled", scheduled_at=world.now() + timedelta(hours=2))


def _edit(world: World) -> bool:
    batch = _pick(world)
    if batch is None:
        return False
    batch.name = f"{batch.name} (edited)"[-40:]
    _touch(world, batch)
    return True


def _forget_counts(world: World) -> bool:
    return _move(world, None, total_recipients=None, failed_count=None)


def _delete(world: World) -> bool:
    return _move(world, None, is_listed=False)


def _delete_newest(world: World) -> bool:
    """What moves the most of the others."""
    if not (listed := world.listed):
        return False
    newest = max(listed, key=lambda batch: batch.place)
    newest.is_listed = False
    world.note(newest)
    return True


def _delete_many(world: World) -> bool:
    gone = [batch for batch in world.listed if world.rng.random() < 0.3]
    for batch in gone:
        batch.is_listed = False
    world.note(*gone)
    return bool(gone)


def _undelete(world: World) -> bool:
    gone = [batch for batch in world.batches.values() if not batch.is_listed]
    if not gone:
        return False
    batch = world.rng.choice(gone)
    batch.is_listed = True
    world.note(batch)
    return True


def _respell(world: World) -> bool:
    """The same values in other bytes."""
    batch = _pick(world)
    if batch is None:
        return False
    batch.spelling = world.rng.randrange(8)
    world.note(batch)
    return True


def _spoil(world: World) -> bool:
    batch = _pick(world)
    if batch is None:
        return False
    fault = world.rng.choice(list(ROW_FAULTS))
    unplaced = sum(other.fault in UNPLACED for other in world.listed)
    if fault in UNPLACED and unplaced >= MOST_UNPLACED:
        return False
    batch.fault = fault
    world.note(batch)
    return True


def _mend(world: World) -> bool:
    spoilt = [batch for batch in world.listed if batch.fault is not None]
    if not spoilt:
        return False
    batch = world.rng.choice(spoilt)
    batch.fault = None
    world.note(batch)
    return True


def _fill_new_field(world: World) -> bool:
    batch = _pick(world)
    if batch is None:
        return False
    batch.extra = {**batch.extra, "priority": world.rng.choice((None, 1, "high", {"a": [1, None]}))}
    world.note(batch)
    return True


def _add_column(world: World) -> bool:
    """It shows in every row at once, filled or not."""
    world.look.added[world.rng.choice(("priority", "team"))] = world.rng.choice((None, None, 1, "blue"))
    world.note(*world.batches.values())
    return True


def _drop_column(world: World) -> bool:
    """A known column goes, or one that went is back."""
    world.look.dropped ^= {world.rng.choice(OPTIONAL)}
    world.note(*world.batches.values())
    return True


def _clamp(world: World) -> bool:
    cap = world.rng.choice(world.habits.caps)
    if cap == world.cap:
        return False
    world.cap = cap
    world.note()
    return True


DEEDS_BY_NAME: Mapping[str, tuple[float, Deed]] = {
    "create": (6, _create),
    "create in step": (1, _create_in_step),
    "create late": (0.3, _create_late),
    "create undated": (1, _create_undated),
    "start": (3, _start),
    "progress": (5, _progress),
    "finish": (3, _finish),
    "re-run": (2, _rerun),
    "pause": (1, _pause),
    "resume": (1, _resume),
    "cancel": (1, _cancel),
    "schedule": (1, _schedule),
    "edit": (2, _edit),
    "forget counts": (0.3, _forget_counts),
    "delete": (3, _delete),
    "delete newest": (1, _delete_newest),
    "delete many": (0.1, _delete_many),
    "undelete": (1, _undelete),
    "respell": (1, _respell),
    "spoil": (1, _spoil),
    "mend": (1, _mend),
    "fill new field": (0.5, _fill_new_field),
    "add column": (0.1, _add_column),
    "drop column": (0.1, _drop_column),
    "clamp": (0.7, _clamp),
}
DEEDS: Mapping[str, float] = {name: weight for name, (weight, _) in DEEDS_BY_NAME.items()}


def _move(world: World, statuses: tuple[str, ...] | None, **fields: object) -> bool:
    batch = _pick(world, statuses)
    if batch is None:
        return False
    for name, value in fields.items():
        setattr(batch, name, value)
    _touch(world, batch)
    return True


def _pick(world: World, statuses: tuple[str, ...] | None = None) -> Batch | None:
    fitting = [batch for batch in world.listed if statuses is None or batch.status in statuses]
    return world.rng.choice(fitting) if fitting else None


def _touch(world: World, batch: Batch) -> None:
    """Note a change; usually it moves updated_at."""
    if world.rng.random() < 0.9:
        batch.updated_at = world.now()
    world.note(batch)
