"""The command `kraj`, which dies, as by `kill -9`, at a chosen request that changes the cloud.

Arguments: moment, number, then those of `kraj`. Moments: `before` the n-th request is sent,
`during` (a moment after it was sent, while the cloud is at work on it) and `after` (its answer has
come, and nothing of kraj has seen it). Requests are those of kraj's own provider, of all threads
together; one creation may need several. Where it died is told on standard error. Not a test itself.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from kraj.app import main
from kraj.openstack.cloud import Cloud

#: How long a request is under way before `during` kills: most services need longer to answer.
UNDER_WAY_SECONDS = 0.03


def die(where: str) -> None:
    """Leave at once, with nothing cleaned up and nothing written."""
    os.write(2, f"killed {where}\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)


def make_mortal(moment: str, number: int) -> None:
    """Have this process die at the n-th request that changes something."""
    send = Cloud._sent_once
    counted = itertools.count(1)

    def sent(cloud: Cloud, url: str, method: str, options: Mapping[str, Any]) -> Any:
        if method.upper() in ("GET", "HEAD") or next(counted) != number:
            return send(cloud, url, method, options)
        where = f"{moment} {method} {url}"
        if moment == "before":
            die(where)
        if moment == "during":
            threading.Thread(
                target=lambda: (time.sleep(UNDER_WAY_SECONDS), die(where)), daemon=True
            ).start()
        answer = send(cloud, url, method, options)
        die(where)
        return answer

    Cloud._sent_once = sent  # type: ignore[method-assign]


if __name__ == "__main__":
    make_mortal(sys.argv[1], int(sys.argv[2]))
    main(sys.argv[3:])
