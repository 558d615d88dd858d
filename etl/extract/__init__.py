"""From the wire to proven stretches of the list."""
