"""Champion and challenger through Git and GTO, with no server.

`promote.py` has the order: gather facts, judge, plan, carry out.

facts.py       gather: branch and remote, champion and challenger, and what makes it impossible
judgement.py   judge: the gate on the rows that neither model was fitted on
live.py        what live traffic says, where the gate asks for it
record.py      plan: the page to be committed, on which figures it was decided
plan.py        plan and carry out: record, commit and tags, all of them or nothing

registry.py    what GTO's tags say: which version is in which stage, and which was before
tags.py        whether they say anything, without GTO
bundles.py     a tagged commit's files by DVC, from cache or remote, their hashes checked
champion.py    its predictions by its own tag's code, in a temporary git worktree
as_champion.py the script that runs there
"""
