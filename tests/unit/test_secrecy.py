"""Secrets that are known are taken out of every text that people and files get."""

from __future__ import annotations

import json
import secrets
from urllib.parse import quote

import pytest

from kraj.engine.base import StackSpec
from kraj.engine.errors import RESOURCE_FAILED
from kraj.engine.local.crypto import Crypter, KeyRing, decode, encode
from kraj.engine.local.values import Secret
from kraj.engine.passphrase import derive_secret
from kraj.errors import KrajError
from kraj.events import Event, EventKind
from kraj.secrecy import cleared, keep_secret, without_secrets


@pytest.mark.parametrize("spelling", [str, lambda text: json.dumps(text)[1:-1], repr, quote])
def test_a_secret_is_taken_out_in_the_spellings_of_errors(spelling: object) -> None:
    assert callable(spelling)
    secret = 'ký"ble\\in %/' + secrets.token_hex(8)
    keep_secret({"deep": [secret]})
    text = f"POST with {spelling(secret)} failed"
    assert without_secrets(text).replace("'", "") == "POST with [secret] failed"


def test_a_secret_inside_another_one_leaves_no_rest() -> None:
    part = secrets.token_hex(8)
    keep_secret([part, f"begin-{part}-end"])
    assert without_secrets(f"<begin-{part}-end|{part}>") == "<[secret]|[secret]>"


def test_short_words_stay() -> None:
    keep_secret("admin")
    assert without_secrets("the user admin") == "the user admin"


def test_errors_and_events_say_no_secret() -> None:
    secret = derive_secret("passphrase", "a purpose")
    error = KrajError(
        RESOURCE_FAILED, f"refused: {secret}", causes=(secret,), details={"said": [secret]}
    )
    event = Event(EventKind.FAILED, "up", "centre", f"refused: {secret}")
    assert secret not in str(error) + str(error.causes) + json.dumps(error.as_dict())
    assert event.message == "refused: [secret]"
    assert cleared({"said": (secret, 1)}) == {"said": ["[secret]", 1]}


def test_what_a_stack_or_its_state_has_as_a_secret_is_known(tmp_path: object) -> None:
    given, stored = secrets.token_hex(8), secrets.token_hex(8)
    StackSpec("p", "s", "l", tmp_path, secret_config={"kraj:password": given})  # type: ignore[arg-type]
    assert without_secrets(given) == "[secret]"
    crypter = Crypter(KeyRing(lambda: "correct horse"))
    encode({"key": Secret({"deep": stored})}, crypter, "scope")
    assert without_secrets(stored) == "[secret]"


def test_what_is_decrypted_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = secrets.token_hex(8)
    crypter = Crypter(KeyRing(lambda: "correct horse"))
    written = encode(Secret([stored]), crypter, "scope")
    monkeypatch.setattr("kraj.secrecy._known", {})
    assert decode(written, crypter, "scope") == Secret([stored])
    assert without_secrets(stored) == "[secret]"
