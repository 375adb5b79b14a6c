"""What an installation may set, and where it keeps its files. Read by the process roots only."""
