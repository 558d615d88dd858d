"""Whether the table is what the source lists: read in two ways, compared, and each difference explained."""
