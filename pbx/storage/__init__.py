"""One database, SQLite or PostgreSQL, and the only two ways to write to it.

`unit.Store` runs actions: one short transaction each, with its audit line, and events after the
commit. `writer.WriteBehind` takes the rows of the call engine without making it wait.
"""
