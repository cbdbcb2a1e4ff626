"""The passphrase of a state folder, and secrets derived from it.

The passphrase encrypts the secrets in the stacks' state (Pulumi's passphrase scheme), for both
engines alike. Whoever has state folder and passphrase has everything: keep them apart in backups.
Not here: the encryption itself (`kraj.engine.local.crypto`).
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from kraj.engine.errors import BAD_PASSPHRASE_FILE
from kraj.engine.keyrings import VARIABLE as KEYRING_ENTRY
from kraj.engine.keyrings import KeyringEntry
from kraj.errors import KrajError
from kraj.files import write_atomically
from kraj.secrecy import keep_secret

PASSPHRASE_BYTES = 32  #: entropy of a generated passphrase
SECRET_LENGTH = 40  #: characters of a derived secret; log2(61^36) > 213 bits remain random

_GIVEN: Final = "PULUMI_CONFIG_PASSPHRASE"
#: Variable that names a file with the passphrase, for other programs too.
FILE_VARIABLE: Final = "PULUMI_CONFIG_PASSPHRASE_FILE"

_LOWER = "abcdefghijkmnopqrstuvwxyz"
_UPPER = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_DIGITS = "23456789"
_MARKS = "-_.+"
_ALPHABET = _LOWER + _UPPER + _DIGITS + _MARKS


class PassphrasePlace(Protocol):
    """Where kraj finds a passphrase, and may put another one."""

    def exists(self) -> bool: ...

    def read(self) -> str: ...

    def replace(self, passphrase: str) -> str: ...


@dataclass(frozen=True, slots=True)
class PassphraseFile:
    """The file that kraj keeps itself, readable by its owner alone. Raises KRJ317."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def exists(self) -> bool:
        return self.path.exists()

    def read(self) -> str:
        return _read(self.path)

    def replace(self, passphrase: str) -> str:
        """Let it hold another passphrase; returns the file that keeps the one before.

        The old one is needed for copies of states from before.
        """
        old = self.path.with_name(f"{self.path.name}.old")
        try:
            write_atomically(old, self.path.read_bytes(), mode=0o600)
            write_atomically(self.path, f"{passphrase}\n", mode=0o600)
        except OSError as error:
            raise KrajError(
                BAD_PASSPHRASE_FILE,
                f"cannot replace the passphrase file {self.path}: {error.strerror}",
            ) from error
        return str(old)


def resolve_passphrase(state_dir: Path, environ: Mapping[str, str] = os.environ) -> str:
    """The passphrase for a state folder.

    Pulumi's own order: PULUMI_CONFIG_PASSPHRASE, then the file that PULUMI_CONFIG_PASSPHRASE_FILE
    names. Then the entry of the keyring that KRAJ_PASSPHRASE_KEYRING names; else
    `<state_dir>/passphrase`, which is made on first use. The keyring is asked once in the life of
    a process. Raises KRJ317, KRJ328.
    """
    passphrase = _resolve(state_dir, environ)
    keep_secret(passphrase)
    return passphrase


def _resolve(state_dir: Path, environ: Mapping[str, str]) -> str:
    given = environ.get(_GIVEN)
    if given is not None:
        return given
    named = environ.get(FILE_VARIABLE)
    if named:
        return _read(Path(named))
    place = own_place(state_dir, environ)
    if isinstance(place, PassphraseFile) and not place.exists():
        return _generate(place.path)
    assert place is not None  # noqa: S101 - the environment has named no other
    return place.read_once() if isinstance(place, KeyringEntry) else place.read()


def own_place(state_dir: Path, environ: Mapping[str, str] = os.environ) -> PassphrasePlace | None:
    """Where kraj may put another passphrase; None where the user says what it is. Raises KRJ328."""
    if _GIVEN in environ or environ.get(FILE_VARIABLE):
        return None
    entry = environ.get(KEYRING_ENTRY)
    return KeyringEntry.parse(entry) if entry else PassphraseFile(state_dir / "passphrase")


def source_of_passphrase(environ: Mapping[str, str] = os.environ) -> str:
    """Where the environment says that the passphrase is, after a look there; empty for nowhere.

    Never the passphrase. Raises KRJ317, KRJ328.
    """
    if _GIVEN in environ:
        return _GIVEN
    named = environ.get(FILE_VARIABLE)
    if named:
        _read(Path(named))
        return named
    entry = environ.get(KEYRING_ENTRY)
    if not entry:
        return ""
    place = KeyringEntry.parse(entry)
    place.read()
    return str(place)


def read_passphrase(file: Path) -> str:
    """The passphrase in a file, without the space around it. Raises KRJ317."""
    return _read(file)


def derive_secret(passphrase: str, purpose: str) -> str:
    """A password that is always the same for one passphrase and purpose (HKDF-SHA256, RFC 5869).

    40 printable characters without look-alikes (0, O, 1, l, I), safe in YAML, URLs and shells, with
    lower case, upper case, digit and mark. `purpose` names the use, for example
    `tenant/563889/service-user`; two purposes give independent secrets.
    """
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - slow to load
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    stream = HKDF(
        algorithm=SHA256(), length=8 * SECRET_LENGTH, salt=b"kraj", info=purpose.encode()
    ).derive(passphrase.encode())
    numbers = [int.from_bytes(stream[at : at + 8]) for at in range(0, len(stream), 8)]
    classes = (_LOWER, _UPPER, _DIGITS, _MARKS)
    alphabets = (*classes, *(_ALPHABET for _ in range(SECRET_LENGTH - len(classes))))
    # 64 random bits per character: the bias of the remainder is below 2^-57.
    derived = "".join(
        letters[n % len(letters)] for letters, n in zip(alphabets, numbers, strict=True)
    )
    keep_secret(derived)
    return derived


def _read(path: Path) -> str:
    try:
        passphrase = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise KrajError(
            BAD_PASSPHRASE_FILE, f"cannot read the passphrase file {path}: {error.strerror}"
        ) from error
    if not passphrase:
        raise KrajError(BAD_PASSPHRASE_FILE, f"the passphrase file {path} is empty")
    return passphrase


def _generate(path: Path) -> str:
    """Make the passphrase file; of two processes at once, the first one's passphrase counts."""
    temporary = path.with_name(f".passphrase.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(secrets.token_urlsafe(PASSPHRASE_BYTES) + "\n")
            new.flush()
            os.fsync(new.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    except OSError as error:
        raise KrajError(
            BAD_PASSPHRASE_FILE, f"cannot write the passphrase file {path}: {error.strerror}"
        ) from error
    return _read(path)
