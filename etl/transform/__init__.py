"""From what the source wrote to what the tables hold: pure, so that no row is read differently on another day."""
