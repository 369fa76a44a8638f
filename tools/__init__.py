"""Programs that make the files kept in this repository."""
