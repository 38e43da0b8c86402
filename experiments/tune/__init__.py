"""Bayesian search over a problem's boosters: many trials in one process, a few real experiments.

space.py     the ranges of `<problem>.tune.space`, and TPE's suggestions from earlier trials
log.py       trials/<problem>/: every trial ever finished, merged through Git
trial.py     one trial: fit, stop early, score on the validation window
features.py  the features of a trial that changes them; others use the cached ones
confirm.py   the best against params.yaml, on rows that chose nothing
"""
