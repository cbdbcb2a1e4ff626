"""The salt that a region's stacks have in common: new ones take it from one that is there."""

from __future__ import annotations

import json

from kraj.engine.local.buckets.base import Bucket
from kraj.engine.local.crypto import salt_in
from kraj.engine.local.store import STACKS
from kraj.errors import KrajError


def salt_of_existing(bucket: Bucket) -> bytes | None:
    """The salt of one of the stacks in a bucket; None where no state has one. Raises KRJ319."""
    for key in bucket.list(STACKS):
        if not key.endswith(".json"):
            continue
        blob = bucket.read(key)
        try:
            latest = json.loads(blob.data if blob else b"")["checkpoint"]["latest"]
            return salt_in(latest["secrets_providers"]["state"]["salt"])
        except (ValueError, KeyError, TypeError, KrajError):
            continue  # of another kind, or damaged: whoever works on that stack is told
    return None
