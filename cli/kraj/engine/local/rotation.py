"""Encrypts the secrets of a state with another passphrase, as a document.

Everything else stays as it is, also what the local engine does not know. Copies of the state from
before are not touched: they need the passphrase that they were made with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from kraj.engine.local.crypto import Crypter
from kraj.engine.local.values import SECRET_SIGNATURE, SIGNATURE_KEY

_SCOPE: Final = "rotation"


def reencrypt(deployment: Mapping[str, Any], old: Crypter, new: Crypter) -> dict[str, Any]:
    """The deployment with all secrets encrypted by `new`. Raises KRJ309, KRJ310."""
    return {
        **{key: _again(value, old, new) for key, value in deployment.items()},
        "secrets_providers": {"type": "passphrase", "state": {"salt": new.salt_state}},
    }


def count_secrets(value: Any) -> int:
    """How many encrypted values there are, those inside other secrets not counted."""
    if isinstance(value, list):
        return sum(map(count_secrets, value))
    if not isinstance(value, Mapping):
        return 0
    return 1 if _is_encrypted(value) else sum(map(count_secrets, value.values()))


def _again(value: Any, old: Crypter, new: Crypter) -> Any:
    if isinstance(value, list):
        return [_again(item, old, new) for item in value]
    if not isinstance(value, Mapping):
        return value
    if not _is_encrypted(value):
        return {key: _again(item, old, new) for key, item in value.items()}
    plaintext = old.decrypt(value["ciphertext"], _SCOPE)
    inner = _again(json.loads(plaintext), old, new)  # a secret may have another one inside
    text = json.dumps(inner, separators=(",", ":"), ensure_ascii=False)
    return {**value, "ciphertext": new.encrypt(text, _SCOPE)}


def _is_encrypted(value: Mapping[str, Any]) -> bool:
    return value.get(SIGNATURE_KEY) == SECRET_SIGNATURE and "ciphertext" in value
