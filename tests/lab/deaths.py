"""Where runs die: chosen from a seed, a stated share of all the requests of a run. Not a test.

By default a run dies at every `share`-th of its requests, each time in another way than before.
KRAJ_ALL_STEPS=1 (`make test-all`) kills at each request, KRAJ_KILL_SHARE says another share, and
KRAJ_SEED repeats a run of the tests.
"""

from __future__ import annotations

import itertools
import os
import random
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

MOMENTS = ("after", "during", "before")  #: see `killed_kraj`
MOST_DEATHS = 400  #: more than any run of the tests has requests


@dataclass(frozen=True, slots=True)
class Death:
    """The end of a run, at the n-th of its requests that change the cloud."""

    moment: str
    number: int


def deaths(share: int) -> Iterator[Death]:
    """One death after another, for runs that each go on where the last one died."""
    seed = int(os.environ.get("KRAJ_SEED") or secrets.randbelow(1000))
    if os.environ.get("KRAJ_ALL_STEPS"):
        share = 1
    share = int(os.environ.get("KRAJ_KILL_SHARE") or share)
    print(f"KRAJ_SEED={seed}: killed at every {share}th request; KRAJ_ALL_STEPS=1 for all")
    rng = random.Random(seed)  # noqa: S311 - chance is to be the same at each repetition
    first = rng.randrange(len(MOMENTS))
    moments = itertools.cycle(MOMENTS[first:] + MOMENTS[:first])
    yield Death(next(moments), rng.randrange(share) + 1)
    for _death in range(MOST_DEATHS):
        moment = next(moments)
        # A run that always dies before its first request gets nowhere.
        yield Death(moment, max(share, 1 if moment == "after" else 2))


def killed_to_the_end(run: Callable[[Death], str], share: int) -> int:
    """Run until a run has no request left to die at; returns how many runs died.

    `run` says where it died; nothing where it came to its end.
    """
    died: Counter[str] = Counter()
    more = 0
    for number, death in enumerate(deaths(share)):
        where = run(replace(death, number=death.number + more))
        if not where:
            return number
        print(f"{number + 1}: {where}")
        died[where] += 1
        # A step with a wait in it never ends where all runs die at the next request of another.
        more = more + 1 if died[where] > 1 else 0
    raise AssertionError(f"{MOST_DEATHS} runs were not enough")
