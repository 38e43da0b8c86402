"""Bayesian search over a problem's boosters: many trials in one process, a few real experiments.

space.py   the ranges of `<problem>.tune.space`, and TPE's suggestions from earlier trials
log.py     trials/<problem>.csv: every trial ever finished, merged through Git
trial.py   one trial: fit on the cached features, stop early, score on the validation window
"""
