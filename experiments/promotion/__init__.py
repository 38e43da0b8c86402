"""Champion and challenger through Git and GTO, with no server.

promote.py        the order of a promotion and of a rollback
repository.py     the copy that promotes: branch, remote, uncommitted changes, shallow clones
registry.py       what GTO's tags say: which version is in which stage, and which was before
preconditions.py  is the challenger fit to be judged: DAG, data checks, artefacts in the remote
bundles.py        a tagged commit's files by DVC, from cache or remote, their hashes checked
champion.py       its predictions by its own tag's code, in a temporary git worktree
as_champion.py    the script that runs there
judgement.py      the gate on the rows that neither model was fitted on
record.py         experiments/promotions/<problem>/: what was decided, on which figures
publish.py        record, commit and tags: all of them, or nothing
"""
