"""The cycle in its clone: python -m experiments.cycle JOB, which `retrace cycle` becomes.

The process keeps its id, so that the lock is still its own; at the end it gives it back.
"""

import os
import signal
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import pandas as pd

from experiments.cycle import place
from experiments.cycle.here import CycleStep
from experiments.cycle.lock import CycleLock, Locked
from experiments.cycle.place import CycleJob
from experiments.cycle.record import CycleOutcome, Recorder
from experiments.cycle.sequence import run
from experiments.cycle.settings import cycle_params
from experiments.cycle.status import FAILED, LOCKED
from experiments.promotion.plan import Overtaken
from experiments.promotion.registry import champion
from monitoring.notices import URGENT, WARNING, Notice, Notices
from monitoring.settings import monitoring_params
from problems.parts import find_problem
from retrace.base.errors import RetraceError
from retrace.base.pins import pin
from store.database import AWAY, STORE, Store, words_of
from store.messages import SETTING

MADE_AT = "GIT_AUTHOR_DATE"  # in the environment: of this run's commits, in simulated time too
TRIES = 5  # where others push to the branch at the same time
TERMINATED = 143


def main(file: str) -> int:
    pin()
    os.environ.setdefault(SETTING, "text")
    signal.signal(signal.SIGTERM, _end)
    job = place.read_job(Path(file))
    lock, recorder = job.lock_of(), Recorder(Path(job.work))
    if job.is_plan:
        return _say(_outcome(job, lock, recorder))
    lock.keep()
    try:
        notices = Notices(Path(job.top) / "served", monitoring_params().notices)
        _tell(job, recorder, notices)  # what a killed run had not
        recorder.change(begun_at=f"{datetime.now(UTC):%F %T}", steps={}, outcome=None)
        outcome = _outcome(job, lock, recorder)
        recorder.change(outcome=outcome, is_told=outcome.weight < 0)
        _tell(job, recorder, notices)
    except Overtaken:
        place.again(job, lock)  # does not return
        raise
    except Locked as error:
        outcome = CycleOutcome(status=LOCKED, words=str(error))
    finally:
        lock.release()
    return _say(outcome)


def _outcome(job: CycleJob, lock: CycleLock, recorder: Recorder) -> CycleOutcome:
    """Run the cycle; what fails is an outcome, too."""
    try:
        return run(_step(job, lock, recorder))
    except Locked:
        raise
    except RetraceError as error:
        if isinstance(error, Overtaken) and job.tries < TRIES:
            raise
        words = str(error)
    except AWAY as error:
        words = f"the store cannot be asked: {words_of(error)}"
    except Exception as error:  # nobody reads the log of a timer: tell them
        traceback.print_exc()
        words = f"{type(error).__name__}: {error}"
    return CycleOutcome(
        status=FAILED,
        words=f"{job.problem}: the cycle failed, and the model in use stays. {words}",
        to_do="Repair what it names; the next run begins from what origin has.",
        weight=URGENT,
        key=f"failed {job.problem} {datetime.now(UTC):%F} {words[:80]}",
    )


def _step(job: CycleJob, lock: CycleLock, recorder: Recorder) -> CycleStep:
    now = pd.Timestamp(job.at).tz_convert("UTC") if job.at else pd.Timestamp.now("UTC")
    os.environ[MADE_AT] = now.isoformat(timespec="seconds")
    url = os.environ.get(STORE, "")
    return CycleStep(
        find_problem(job.problem),
        cycle_params(job.problem),
        Store(url, existing=True) if url else None,
        now,
        Path(job.work),
        lock,
        recorder,
        job.branch,
        job.is_plan,
    )


def _tell(job: CycleJob, recorder: Recorder, notices: Notices) -> None:
    """Tell people of the newest outcome that they do not know, and of a run that was killed."""
    known = recorder.record
    told = []
    if known.outcome is None and known.begun_at:
        last = next(reversed(known.steps), "the beginning")
        in_use = champion(job.problem)
        version = f"{in_use.version} is in use" if in_use else "no version is in use"
        words = f"the run of {known.begun_at} UTC was cut short after '{last}'; {version}"
        told.append(Notice(f"{job.problem}: cycle", words, "Nothing: this run goes on.", WARNING,
                           "cycle", f"killed {known.begun_at}"))  # fmt: skip
    elif known.outcome is not None and not known.is_told:
        one = known.outcome
        told.append(Notice(f"{job.problem}: cycle", one.words, one.to_do, one.weight, "cycle",
                           one.key))  # fmt: skip
    notices.tell(told)
    if not known.is_told:
        recorder.change(is_told=True)


def _say(outcome: CycleOutcome) -> int:
    stream = sys.stderr if outcome.status in (FAILED, LOCKED) else sys.stdout
    print(outcome.words, *filter(None, [outcome.to_do]), sep="\n", file=stream, flush=True)
    return outcome.status


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(TERMINATED)  # the lock is given back on the way out


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
