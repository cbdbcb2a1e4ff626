"""The secrets that this process has met, to be taken out of texts that people and files get.

A last line of defence, for texts that nobody of kraj has written: what a library, a cloud or a
stack program says when it fails. Values that are known to be secret never get so far: they are
`Secret` in the engine and are shown as `[secret]`. Not here: encryption (`engine.local.crypto`).
"""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import quote

#: Shorter ones are left: taking each `admin` out of a text hides more from its reader than it hides
#: from others.
MINIMUM_LENGTH: Final = 8

_SHOWN: Final = "[secret]"
_known: dict[str, None] = {}  #: all spellings; a dictionary, to which threads may add at any time


def keep_secret(value: Any) -> None:
    """Take note of a secret, or of all texts in one, in the spellings that texts have of it."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            keep_secret(item)
    elif isinstance(value, str) and len(value) >= MINIMUM_LENGTH and value not in _known:
        in_json = (json.dumps(value, ensure_ascii=ascii_)[1:-1] for ascii_ in (False, True))
        in_urls = (quote(value, safe=safe, errors="replace") for safe in ("", "/"))
        for spelling in (value, repr(value)[1:-1], *in_json, *in_urls):
            _known[spelling] = None


def without_secrets(text: str) -> str:
    """The text with `[secret]` in place of every secret that is known by now."""
    if not text:
        return text
    # Longest first: one may be a part of another.
    for secret in sorted((known for known in list(_known) if known in text), key=len, reverse=True):
        text = text.replace(secret, _SHOWN)
    return text


def cleared(value: Any) -> Any:
    """JSON-like values with `without_secrets` applied to all texts in them, keys left alone."""
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, dict):
        return {key: cleared(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [cleared(item) for item in value]
    return value
