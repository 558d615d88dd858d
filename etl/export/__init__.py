"""A table or a view as a file: typed, streamed, and there as a whole or not at all. Reads only."""
