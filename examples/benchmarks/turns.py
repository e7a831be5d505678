"""Times of several ways to compute the same, which take turns in one process."""

import time
from collections.abc import Callable, Mapping


def take_turns(
    arms: Mapping[str, Callable[[], object]], rounds: int, longest: float = float("inf")
) -> dict[str, list[float]]:
    """Return the milliseconds of each arm in each round, of this thread, after a warm-up.

    Args:
        arms: What to time.
        rounds: Rounds that count.
        longest: Seconds after which two rounds are enough.
    """
    times: dict[str, list[float]] = {name: [] for name in arms}
    start = time.perf_counter()
    for number in range(rounds + 1):
        if number > 2 and time.perf_counter() - start > longest:
            break
        for name, arm in arms.items():
            begin = time.thread_time()
            arm()
            if number:
                times[name].append(1000 * (time.thread_time() - begin))
    return times
