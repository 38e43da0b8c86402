"""A challenger proves itself on real traffic: in shadow, on a share of the subjects, in one region.

`rollout.yaml` says what is tried; `serving.rollout` has its schema and who is in which arm.

edit.py      start, ramp and stop an arm: one commit each
resolve.py   versions to folders with their models: the plan that servers follow
watch.py     the process beside a server that looks for changes
follow.py    what has changed, resolved into the server's plan
children.py  servers of versions whose feature code is another's, from their tags
evidence.py  answers with their outcomes, out of the store
drawn.py     what suggestions that were drawn tell of a challenger's
guard.py     whether a challenger must lose its subjects at once
everywhere.py  what every server of a database serves
verdict.py   promote, stop, or wait
"""
