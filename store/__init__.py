"""What was predicted, what happened, and what is known of whom: log, loader and database.

tables     what the database has; `migrations/` are Alembic's steps to it
database   SQLite or PostgreSQL by URL, transactions, one query by key
log        a prediction is appended before it is answered
loader     the log into the database, in batches
known      the state of a problem's entities, in parts, event by event
remembered what was last read of the states, for when PostgreSQL is away
facts      events and outcomes: stored once, then taken into every state
following  the interval of a day, from the newest outcomes
forget     a person is taken out; what is older than the retention goes
"""
