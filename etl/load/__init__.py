"""From proven rows to tables, on a connection that is given: nothing here begins or ends a transaction."""
