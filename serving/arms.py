"""Who answers a row: the champion, or the challenger whose arm the row's subject is in."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from problems.row_columns import RefusedRow
from serving.elsewhere import Answering
from serving.model import Answer, Asked
from serving.rollout import Rollout
from serving.wanted import CHAMPION
from store.database import StoreAway
from store.log import LogFull

OF_THE_REQUEST = (RefusedRow, StoreAway, LogFull)  # the champion would not do better


class Counted(NamedTuple):
    """What is told of rows: that they have no subject, and that a challenger failed."""

    without_subject: Callable[[int], None]
    failed: Callable[[str, Exception], None]


class Arms:
    """The arms of one problem in one process."""

    def __init__(
        self,
        champion: Answering,
        challengers: Mapping[str, Answering],
        rollout: Rollout | None,
        counted: Counted,
        group: Sequence[str] = (),
    ) -> None:
        """challengers : those that answer, by arm; one that is missing here has the champion's
        answers, under its own arm
        group       : columns whose rows are answered as a whole, by the arm of the first"""
        self.champion, self.challengers = champion, challengers
        self.rollout, self._counted, self._group = rollout, counted, group

    async def answer(self, asked: Asked) -> list[Answer]:
        """Return the answers of a request, in its order; each row's arm answers it.

        Raises what the champion's answers raise.
        """
        if self.rollout is None or not self.rollout.has_ab:
            return await self.champion.answer(asked)
        places = self._places(self.rollout, asked.rows)
        if len(places) == 1:
            (arm,) = places
            return await self._of_arm(arm, asked)
        parts = [
            self._of_arm(arm, asked._replace(rows=[asked.rows[place] for place in at]))
            for arm, at in places.items()
        ]
        found = await asyncio.gather(*parts, return_exceptions=True)
        answers: list[Answer | None] = [None] * len(asked.rows)
        for at, own in zip(places.values(), found, strict=True):
            if isinstance(own, BaseException):
                raise _in_order(own, at)
            for place, answer in zip(at, own, strict=True):
                answers[place] = answer
        return [answer for answer in answers if answer is not None]

    def _places(self, rollout: Rollout, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[int]]:
        """Return the rows of each arm."""
        places: dict[str, list[int]] = defaultdict(list)
        of_group: dict[tuple[str, ...], str] = {}
        n_without = 0
        for place, row in enumerate(rows):
            group = tuple(str(row.get(name)) for name in self._group)
            arm = of_group.get(group) if group else None
            if arm is None:
                found = rollout.arm_of(row)
                n_without += found is None
                arm = of_group[group] = found or CHAMPION
            places[arm].append(place)
        if n_without:
            self._counted.without_subject(n_without)
        return places

    async def _of_arm(self, arm: str, asked: Asked) -> list[Answer]:
        """Let an arm answer; where its challenger cannot, the champion does, under that arm."""
        mine = asked._replace(arm=arm)
        challenger = self.challengers.get(arm)
        if challenger is None:
            return await self.champion.answer(mine)
        try:
            return await challenger.answer(mine)
        except OF_THE_REQUEST:
            raise
        except Exception as error:  # whatever it is, nobody is left without an answer by it
            self._counted.failed(arm, error)
            return await self.champion.answer(mine)


def _in_order(error: BaseException, at: Sequence[int]) -> BaseException:
    """Return an error of a part of the rows with the row's place in the whole request."""
    if isinstance(error, RefusedRow):
        return RefusedRow(at[error.row], error.column, error.reason)
    return error
