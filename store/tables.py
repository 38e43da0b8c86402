"""The tables. Moments are whole microseconds since 1970, UTC, as in the states: no bit is lost."""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

METADATA = MetaData()
MICROS = BigInteger
INTERVAL = "interval:"  # before a day: an entity of `state` that is no entity of the problem
BY_BYTES = Text().with_variant(Text(collation="C"), "postgresql")  # in ranges, days are in order


def _text(name: str, **options: object) -> Column[str]:
    return Column(name, Text, nullable=False, **options)  # type: ignore[arg-type]  # SQLAlchemy's


predictions = Table(
    "predictions",
    METADATA,
    _text("id", primary_key=True),
    _text("request"),
    _text("problem"),
    _text("version"),
    _text("fingerprint"),
    _text("role"),  # champion or challenger
    _text("arm"),
    _text("subject"),  # hash of the person's id; empty where a row is of nobody
    _text("name"),  # the row's key as one text
    Column("as_of", MICROS, nullable=False),
    Column("predicted_at", MICROS, nullable=False),
    _text("row"),  # JSON, without personal columns unless they are asked for
    Column("model_columns", LargeBinary, nullable=False),  # float32, in the bundle's order
    Column("prediction", Float),  # of several classes missing; see answer
    Column("lower", Float),
    Column("upper", Float),
    Column("point_score", Float),  # of the boosters, on the fitted scale
    Column("lower_score", Float),
    Column("upper_score", Float),
    _text("answer"),  # JSON, all that was answered
    Column("latency_us", Integer, nullable=False),
    # Monitoring counts and draws its sample from the first alone, and finds days by the second.
    Index("predictions_by_time", "problem", "as_of", "fingerprint", "arm", "id"),
    Index("predictions_by_name", "problem", "name", "as_of"),
    sqlite_with_rowid=False,  # SQLite then has a row where its key is
)

events = Table(
    "events",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),  # in the order of arrival
    _text("id", unique=True),
    _text("world"),
    _text("kind"),  # row, or outcome
    _text("problem"),  # of an outcome; empty of a row
    _text("name"),
    Column("at", MICROS, nullable=False),  # when it is known to states
    Column("received_at", MICROS, nullable=False),
    _text("body"),  # JSON, as it was sent
    Column("replaced_by", Integer, nullable=False),  # the number of what corrects it, at most; or 0
    Index("events_by_time", "world", "at"),
    Index("events_by_name", "world", "name"),
)

outcomes = Table(
    "outcomes",
    METADATA,
    _text("id", primary_key=True),  # of its event
    _text("problem"),
    _text("name"),
    Column("known_at", MICROS, nullable=False),
    Column("received_at", MICROS, nullable=False),
    Column("value", Float),
    _text("label"),  # of several classes
    Index("outcomes_by_name", "problem", "name", "received_at"),
    Index("outcomes_by_arrival", "problem", "received_at", "name"),
)

bases = Table(
    "bases",
    METADATA,
    _text("basis", primary_key=True),  # names model and state that it was begun with
    _text("problem"),
    _text("world"),
    Column("begun_at", MICROS, nullable=False),  # its data ends here
    Column("newest_at", MICROS, nullable=False),  # of the last event that was taken in
    Column("newest_rank", Integer, nullable=False),  # 0: a row, 1: an outcome
    Column("used_at", MICROS, nullable=False),  # when a server began with it last
    Column("taken", Integer, nullable=False),  # the number of the last event that was taken in
)

state = Table(
    "state",
    METADATA,
    _text("basis", primary_key=True),
    Column("entity", BY_BYTES, primary_key=True),  # type:id
    Column("part", LargeBinary, nullable=False),  # MessagePack
    sqlite_with_rowid=False,  # SQLite then has a row where its key is
)

undo = Table(
    "undo",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    _text("basis"),
    Column("at", MICROS, nullable=False),
    Column("rank", Integer, nullable=False),
    _text("entity"),
    Column("part", LargeBinary),  # before the event; missing where there was none
    Index("undo_by_time", "basis", "at"),
)

feedback = Table(
    "feedback",
    METADATA,
    _text("id", primary_key=True),
    _text("prediction"),
    _text("problem"),
    _text("action"),  # taken, or overruled
    Column("value", Float),  # what was used instead
    _text("label"),  # the same, of several classes
    Column("received_at", MICROS, nullable=False),
    Index("feedback_by_prediction", "prediction"),
)

stops = Table(  # of challengers, by the guard; a new start of the arm has another `since`
    "stops",
    METADATA,
    _text("problem", primary_key=True),
    _text("arm", primary_key=True),
    _text("since", primary_key=True),
    _text("reason"),
    _text("evidence"),  # JSON
    Column("at", MICROS, nullable=False),
)

held = Table(  # facts that count for nothing until they are let in
    "held",
    METADATA,
    _text("id", primary_key=True),  # of the event that it would be
    _text("world"),
    _text("problem"),  # of an outcome; empty of a row
    _text("name"),
    Column("at", MICROS, nullable=False),
    Column("known_at", MICROS, nullable=False),
    Column("value", Float),
    _text("label"),
    _text("body"),  # JSON, as it was sent
    _text("source"),  # who told it, as in `newest`
    _text("doubt"),  # impossible, clock, repeated or improbable
    _text("reason"),
    Column("score", Float, nullable=False),  # from 1 on it is held
    Column("received_at", MICROS, nullable=False),
    _text("status"),  # held, let in, or refused
    _text("decided_by"),  # a rule, or a person
    _text("note"),  # why
    Column("decided_at", MICROS, nullable=False),  # 0 while it is held
    Index("held_by_status", "status", "problem", "received_at"),
    Index("held_by_name", "world", "name"),
)

newest = Table(  # facts that came last, by who told them
    "newest",
    METADATA,
    _text("topic", primary_key=True),  # a problem, or the rows of a world
    _text("source", primary_key=True),
    Column("received_at", MICROS, nullable=False),
    Column("part", LargeBinary, nullable=False),  # MessagePack
    sqlite_with_rowid=False,
)

servers = Table(
    "servers",
    METADATA,
    _text("host", primary_key=True),
    Column("pid", Integer, primary_key=True),
    _text("address", primary_key=True),
    Column("seen_at", MICROS, nullable=False),
    _text("models"),  # JSON
)

loaded = Table(
    "loaded",
    METADATA,
    _text("segment", primary_key=True),  # of the log
    Column("offset", BigInteger, nullable=False),
)

loaded_days = Table(  # days of UTC of which answers have come, for monitoring
    "loaded_days",
    METADATA,
    _text("problem", primary_key=True),
    Column("day", Integer, primary_key=True),  # since 1970
    Column("loaded_at", MICROS, nullable=False),  # when the newest came
)

counts = Table(  # what servers count that no prediction stands for, by the hour of the clock
    "counts",
    METADATA,
    _text("problem", primary_key=True),
    Column("hour", Integer, primary_key=True),  # since 1970
    _text("what", primary_key=True),  # refused, error
    _text("label", primary_key=True),  # such as the column
    Column("n", Integer, nullable=False),
)

summaries = Table(
    "summaries",
    METADATA,
    _text("problem", primary_key=True),
    _text("fingerprint", primary_key=True),
    _text("arm", primary_key=True),
    _text("kind", primary_key=True),  # day, or week
    Column("start", MICROS, primary_key=True),
    Column("made_at", MICROS, nullable=False),  # by the clock
    _text("body"),  # JSON
    Index("summaries_by_time", "problem", "kind", "start"),
)

alarms = Table(
    "alarms",
    METADATA,
    _text("id", primary_key=True),
    _text("problem"),
    _text("state"),
    Column("raised_at", MICROS, nullable=False),
    _text("body"),  # JSON
)

pages = Table(
    "pages",
    METADATA,
    _text("name", primary_key=True),
    Column("made_at", MICROS, nullable=False),
    _text("body"),  # HTML
)

passes = Table(  # of monitoring, by problem
    "passes",
    METADATA,
    _text("problem", primary_key=True),
    Column("at", MICROS, nullable=False),
    Column("outcomes_until", MICROS, nullable=False),  # received_at of the newest that was seen
    Column("loaded_until", MICROS, nullable=False),  # loaded_at, likewise
    Column("milliseconds", Integer, nullable=False),
)
