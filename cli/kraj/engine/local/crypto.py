"""Secrets in state: Pulumi's passphrase scheme, and property values in their checkpoint form.

The key is PBKDF2-HMAC-SHA256 of the passphrase over a million rounds, the cipher AES-256-GCM
(Pulumi: sdk/go/common/resource/config/crypt.go). Computing the key takes a quarter of a second; it
is done beside the interpreter lock and once for all stacks that share a salt.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kraj.engine.errors import STATE_UNREADABLE, WRONG_PASSPHRASE
from kraj.engine.local.values import (
    SECRET_SIGNATURE,
    SIGNATURE_KEY,
    UNKNOWN_SENTINEL,
    UNSUPPORTED_SIGNATURES,
    Secret,
    Unknown,
    secret,
)
from kraj.errors import KrajError
from kraj.secrecy import keep_secret

_ROUNDS: Final = 1_000_000
_KEY_BYTES: Final = 32
_SALT_BYTES: Final = 8
_NONCE_BYTES: Final = 12
_VERIFIER: Final = "pulumi"  #: the plaintext by which a passphrase is checked


def encrypt_text(plaintext: str, key: bytes) -> str:
    """`v1:<nonce>:<ciphertext and tag>` in base 64."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, plaintext.encode(), None)
    return f"v1:{base64.b64encode(nonce).decode()}:{base64.b64encode(sealed).decode()}"


def decrypt_text(ciphertext: str, key: bytes) -> str:
    """The plaintext. Raises ValueError where text or key is wrong."""
    version, nonce, sealed = ciphertext.split(":")
    if version != "v1":
        raise ValueError(f"ciphertext of unknown version {version!r}")
    try:
        plain = AESGCM(key).decrypt(base64.b64decode(nonce), base64.b64decode(sealed), None)
    except InvalidTag as error:
        raise ValueError("wrong key or damaged ciphertext") from error
    return plain.decode()


class KeyRing:
    """Keys by salt for one passphrase; each is computed once, in the background.

    New stacks share a salt: `existing_salt` gives that of a stack that is there, if any. All stacks
    have one passphrase, so another salt for each would protect nothing more, and a plan of two
    hundred tenants would compute two hundred keys.
    """

    def __init__(
        self,
        passphrase: Callable[[], str],
        existing_salt: Callable[[], bytes | None] = lambda: None,
    ) -> None:
        self._passphrase = passphrase
        self._existing_salt = existing_salt
        self._salt_of_new: bytes | None = None
        self._keys: dict[bytes, Future[bytes]] = {}
        self._lock = threading.Lock()

    def salt_of_new_stacks(self) -> bytes:
        """The salt for a stack that has none yet."""
        with self._lock:
            if self._salt_of_new is None:
                self._salt_of_new = self._existing_salt() or secrets.token_bytes(_SALT_BYTES)
            return self._salt_of_new

    def prepare(self, salt: bytes) -> Future[bytes]:
        """Start computing the key of a salt, unless it is known."""
        with self._lock:
            if salt not in self._keys:
                self._keys[salt] = future = Future[bytes]()
                threading.Thread(target=self._compute, args=(salt, future), daemon=True).start()
            return self._keys[salt]

    def _compute(self, salt: bytes, future: Future[bytes]) -> None:
        try:
            passphrase = self._passphrase().encode()
            key = hashlib.pbkdf2_hmac("sha256", passphrase, salt, _ROUNDS, _KEY_BYTES)
            future.set_result(key)
        except BaseException as error:
            with self._lock:
                del self._keys[salt]
            future.set_exception(error)


class Crypter:
    """Encrypts and decrypts the secrets of one stack.

    One plaintext at one place keeps its ciphertext as long as this object lives, so that a state
    without changes is the same file. Raises KRJ310 on first use where the passphrase does not fit.
    """

    def __init__(self, keys: KeyRing, salt_state: str | None = None) -> None:
        self._keys = keys
        self._salt_state = salt_state
        self._known: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()
        if salt_state is None:
            self._salt = keys.salt_of_new_stacks()
            self._verified = True
        else:
            self._salt = salt_in(salt_state)
            self._verified = False

    def prepare(self) -> None:
        """Start computing the key."""
        self._keys.prepare(self._salt)

    def fits(self) -> bool:
        """Whether the passphrase is the one that the state was made with. Raises KRJ317."""
        try:
            with self._lock:
                self._key()
        except KrajError as error:
            if error.code is not WRONG_PASSPHRASE:
                raise
            return False
        return True

    @property
    def salt_state(self) -> str:
        """`v1:<salt>:<verifier>`, as Pulumi keeps it in the state."""
        with self._lock:
            if self._salt_state is None:
                verifier = encrypt_text(_VERIFIER, self._key())
                self._salt_state = f"v1:{base64.b64encode(self._salt).decode()}:{verifier}"
            return self._salt_state

    def encrypt(self, plaintext: str, scope: str) -> str:
        """The ciphertext; `scope` is the place where it is kept."""
        with self._lock:
            known = self._known.get((scope, plaintext))
            if known is None:
                known = self._known[scope, plaintext] = encrypt_text(plaintext, self._key())
            return known

    def decrypt(self, ciphertext: str, scope: str) -> str:
        with self._lock:
            try:
                plaintext = decrypt_text(ciphertext, self._key())
            except ValueError as error:
                raise KrajError(
                    STATE_UNREADABLE, "a secret in the state cannot be decrypted: it is damaged"
                ) from error
            self._known[scope, plaintext] = ciphertext
            return plaintext

    def _key(self) -> bytes:
        key = self._keys.prepare(self._salt).result()
        if not self._verified and self._salt_state is not None:
            try:
                decrypt_text(self._salt_state.split(":", 2)[2], key)
            except ValueError as error:
                raise KrajError(
                    WRONG_PASSPHRASE, "the passphrase is not the one that this state was made with"
                ) from error
            self._verified = True
        return key


def salt_in(salt_state: str) -> bytes:
    """The salt of `v1:<salt>:<verifier>`. Raises KRJ309."""
    parts = salt_state.split(":", 2)
    if len(parts) != 3 or parts[0] != "v1":
        raise KrajError(STATE_UNREADABLE, "the state's encryption salt is not of Pulumi's form v1")
    return base64.b64decode(parts[1])


# --- property values in a checkpoint ------------------------------------------------------------


def encode(value: Any, crypter: Crypter, scope: str) -> Any:
    """A property value as checkpoint JSON, secrets encrypted."""
    if isinstance(value, Secret):
        keep_secret(value.value)
        plaintext = json.dumps(
            encode(value.value, crypter, scope), separators=(",", ":"), ensure_ascii=False
        )
        return {SIGNATURE_KEY: SECRET_SIGNATURE, "ciphertext": crypter.encrypt(plaintext, scope)}
    if isinstance(value, Unknown):
        return UNKNOWN_SENTINEL
    if isinstance(value, dict):
        return {key: encode(item, crypter, scope) for key, item in value.items()}
    if isinstance(value, list):
        return [encode(item, crypter, scope) for item in value]
    return value


def decode(value: Any, crypter: Crypter, scope: str) -> Any:
    """A property value from checkpoint JSON. Raises KRJ309 for kinds that are not carried."""
    if isinstance(value, list):
        return [decode(item, crypter, scope) for item in value]
    if not isinstance(value, Mapping):
        return value
    signature = value.get(SIGNATURE_KEY)
    if signature is None:
        return {key: decode(item, crypter, scope) for key, item in value.items()}
    if signature != SECRET_SIGNATURE:
        kind = UNSUPPORTED_SIGNATURES.get(signature, f"values with signature {signature}")
        raise KrajError(STATE_UNREADABLE, f"the state holds {kind}, which is not supported")
    plaintext = value.get("plaintext")
    if plaintext is None:
        plaintext = crypter.decrypt(value["ciphertext"], scope)
    content = decode(json.loads(plaintext), crypter, scope)
    keep_secret(content)
    return secret(content)
