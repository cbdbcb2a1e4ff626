"""The salt that a region's stacks have in common: new ones take it from one that is there."""

from __future__ import annotations

import json
from pathlib import Path

from kraj.engine.local.crypto import salt_in
from kraj.errors import KrajError


def salt_of_existing(state_dir: Path) -> bytes | None:
    """The salt of one of the stacks below a state folder; None where no state has one."""
    for path in sorted((state_dir / ".pulumi" / "stacks").glob("*/*.json")):
        try:
            latest = json.loads(path.read_text(encoding="utf-8"))["checkpoint"]["latest"]
            return salt_in(latest["secrets_providers"]["state"]["salt"])
        except (OSError, ValueError, KeyError, TypeError, KrajError):
            continue  # of another kind, or damaged: whoever works on that stack is told
    return None
