"""From what the source wrote to what the tables hold: pure, so that a row reads the same on any day."""
