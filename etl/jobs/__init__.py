"""What a run can be: a sync, a backfill, a replay of what was set aside."""
