"""Callers who come at the same time share one trip.

Who comes alone goes at once.  While every lane is busy callers wait, and the first of them takes
all who wait along on the next free one: so a group is as large as the load makes it, and nobody
waits for others to come.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar, cast

Q = TypeVar("Q")
A = TypeVar("A")


class _Caller(Generic[Q, A]):
    """One caller that waits: for an answer, or to lead the next group."""

    __slots__ = ("_turn", "answer", "error", "is_done", "question")

    def __init__(self, question: Q) -> None:
        self.question = question
        self.answer: A | None = None
        self.error: BaseException | None = None
        self.is_done = False
        self._turn = threading.Lock()
        self._turn.acquire()

    def wake(self) -> None:
        self._turn.release()

    def wait(self) -> None:
        self._turn.acquire()


class Gather(Generic[Q, A]):
    """Answers the questions of many threads in groups.

    Args:
        answer: answers several questions, in their order; called by several threads at once,
            each with questions of its own.  An answer that is an error is raised to its caller;
            what is raised itself, to all of the group.
        lanes: groups under way at once.
        most: questions in one group.
    """

    def __init__(
        self, answer: Callable[[Sequence[Q]], Sequence[A | Exception]], *, lanes: int, most: int
    ) -> None:
        self._answer = answer
        self._free = lanes
        self._most = most
        self._waiting: deque[_Caller[Q, A]] = deque()
        self._state = threading.Lock()

    def __call__(self, question: Q) -> A:
        """Answer one question."""
        caller: _Caller[Q, A] = _Caller(question)
        with self._state:
            # Whoever waits does so because no lane is free.
            leads = self._free > 0
            if leads:
                self._free -= 1
            else:
                self._waiting.append(caller)
        if not leads:
            caller.wait()
        if not caller.is_done:
            self._lead(caller)
        if caller.error is not None:
            raise caller.error
        return cast("A", caller.answer)

    def _lead(self, first: _Caller[Q, A]) -> None:
        group = [first]
        with self._state:
            while self._waiting and len(group) < self._most:
                group.append(self._waiting.popleft())
        try:
            answers = self._answer([caller.question for caller in group])
            for caller, answer in zip(group, answers, strict=True):
                if isinstance(answer, Exception):
                    caller.error = answer
                else:
                    caller.answer = answer
        except BaseException as error:
            for caller in group:
                caller.error = error
        with self._state:
            heir = self._waiting.popleft() if self._waiting else None
            self._free += heir is None
        if heir is not None:
            heir.wake()
        for caller in group[1:]:
            caller.is_done = True
            caller.wake()
