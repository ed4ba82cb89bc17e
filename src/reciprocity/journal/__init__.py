"""The journal: one append-only history that is at once the public log, and what follows from it.

- schema, store, migrations: the files
- leaf, profile: from an event to what is stored of it, and back
- entry, waiting, turn, write, appender: the one way to write
- read: the ways to read
- standing, cache, catch_up: what stands now, kept ready for decisions
- safekeeping, backup: what survives a restore
- journal: all of it, opened together
"""
