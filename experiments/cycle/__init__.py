"""From new data to a better model in use, by itself: `retrace cycle`.

What counts is in origin (branch, tags, the lock's reference) and in DVC's remote. The cycle works
in a clone of its own, which it may lose at any moment: all that was not pushed is made again, the
dear part of it from DVC's run cache. So a killed cycle needs no repair, and each step does nothing
where its result is there already.

begin.py      the first half, in the copy that was called: lock and clone
lock.py       one cycle of a problem at a time, on all machines: a reference of origin
place.py      the clone, by the code of the branch
__main__.py   what runs in the clone, with the lock: there the process goes on
sequence.py   the steps in their order, on one screen
new_data.py   what sources and store have that is new; a file that fails the checks is set aside
reasons.py    whether to train again, and why
training.py   dvc repro, the commit, the gate
tried.py      the challenger on live traffic: start, ramp, promote or stop
record.py     what was done, by step, for people and for the next run
status.py     exit statuses
settings.py   `cycle` of params.yaml
here.py       what every step has at hand
"""
