"""Whether GTO's tags say anything, asked of Git: GTO itself takes half a second to load."""

from experiments.git import git


def was_assigned(problem: str, stage: str) -> bool:
    """Whether a version was ever in a stage; `registry` says which one is."""
    return bool(git("tag", "--list", f"{problem}#{stage}#*"))
