"""Several things under way at once, each handed over when it is done."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


def each(
    do: Callable[[Given], Made], items: Sequence[Given], parallel: int
) -> Generator[tuple[int, Made | Exception], None, None]:
    """Number and outcome of each item, as they come; an error is an outcome too.

    After an error nothing new is begun, and what is under way is still handed over. Nothing new is
    begun either once this is closed. The threads are daemons: a program that is interrupted waits
    for none of them.

    >>> sorted(each(len, ["a", "bcd"], 2))
    [(0, 1), (1, 3)]
    """
    waiting = deque(enumerate(items))
    done: queue.SimpleQueue[tuple[int, Made | Exception] | None] = queue.SimpleQueue()
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            try:
                number, given = waiting.popleft()
            except IndexError:
                break
            try:
                done.put((number, do(given)))
            except Exception as error:  # told to whoever asked, in the thread that did
                stop.set()
                done.put((number, error))
        done.put(None)

    at_work = min(parallel, len(items))
    for _ in range(at_work):
        threading.Thread(target=work, daemon=True, name="asks a server").start()
    try:
        while at_work:
            outcome = done.get()
            if outcome is None:
                at_work -= 1
            else:
                yield outcome
    finally:
        stop.set()
