"""How long one write of a checkpoint takes on each kind of place for states, on this machine.

Servers are those of tests/backends, private and on the loopback address, PostgreSQL and files with
every write synced to the disk. Run it from the root of the checkout.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from kraj.engine.local.buckets.base import Bucket
from kraj.engine.local.buckets.places import open_bucket
from tests.backends import servers

#: A tenant's state, the centre's, and the size that the tests call big (bytes).
SIZES = {"tenant, 40 kB": 40_000, "centre, 250 kB": 250_000, "5 MiB": 5 * 1024 * 1024}


def places(stack: ExitStack) -> Iterator[tuple[str, Bucket]]:
    """One bucket of each kind."""
    folder = stack.enter_context(tempfile.TemporaryDirectory(dir="."))
    yield "file", open_bucket(f"file://{Path(folder).absolute()}")
    storage = stack.enter_context(servers.object_storage())
    os.environ |= {
        "AWS_ACCESS_KEY_ID": servers.ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": servers.SECRET_KEY,
    }
    options = f"endpoint=http://127.0.0.1:{storage.port}&use_path_style=true"
    yield "S3 (SeaweedFS)", open_bucket(f"s3://{servers.S3_BUCKET}?{options}")
    database = stack.enter_context(servers.postgres(durable=True))
    os.environ["PGPASSWORD"] = database.password
    url = f"postgres://kraj@127.0.0.1:{database.port}/states?sslmode=disable"
    yield "PostgreSQL", open_bucket(url)


def measure(bucket: Bucket, size: int, count: int) -> dict[str, float]:
    """Fenced writes one after the other: median and 90th percentile, in milliseconds."""
    key = ".pulumi/stacks/kraj-tenant/liberecky.t563889.json"
    content = os.urandom(size // 2).hex().encode()
    tag = bucket.write(key, content)
    taken = []
    for number in range(count):
        data = str(number).encode() + content
        started = time.perf_counter()
        tag = bucket.write(key, data, expect=tag)
        taken.append((time.perf_counter() - started) * 1000)
    deciles = statistics.quantiles(taken, n=10)
    return {"median_ms": round(statistics.median(taken), 1), "p90_ms": round(deciles[8], 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60, help="writes of each kind and size")
    count = parser.parse_args().count
    with ExitStack() as stack:
        found = {
            name: {label: measure(bucket, size, count) for label, size in SIZES.items()}
            for name, bucket in places(stack)
        }
    load = round(os.getloadavg()[0], 1)
    print(json.dumps({"writes": count, "load": load, "places": found}, indent=2))


if __name__ == "__main__":
    main()
