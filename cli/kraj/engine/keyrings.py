"""A passphrase in the operating system's keyring, by the library `keyring`, an optional extra.

Keyrings are macOS' Keychain, Windows' Credential Locker, the Secret Service of GNOME and KDE, and
what else the library is set up for: https://github.com/jaraco/keyring. An entry is put there by the
library's own command, `keyring set SERVICE NAME`, so that no passphrase stands on a command line.
A keyring may ask its user each time, so runs read an entry once in the life of a process.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Final

from kraj.engine.errors import KEYRING_UNUSABLE
from kraj.errors import KrajError

#: Names an entry of the keyring: `SERVICE/NAME`.
VARIABLE = "KRAJ_PASSPHRASE_KEYRING"

_read: Final[dict[KeyringEntry, str]] = {}
_reading: Final = threading.Lock()  #: stacks side by side ask once together


@dataclass(frozen=True, slots=True)
class KeyringEntry:
    """One entry; every method raises KRJ328 where the keyring cannot be used."""

    service: str
    name: str

    @classmethod
    def parse(cls, text: str) -> KeyringEntry:
        """From `SERVICE/NAME`. Raises KRJ328."""
        service, slash, name = text.partition("/")
        if not (service and slash and name):
            raise KrajError(
                KEYRING_UNUSABLE,
                f"{VARIABLE} is {text!r}, not SERVICE/NAME",
                hint=f"For example: export {VARIABLE}=kraj/liberecky",
            )
        return cls(service, name)

    def __str__(self) -> str:
        return f"keyring entry {self.service}/{self.name}"

    def read_once(self) -> str:
        """The passphrase as `read` gave it to this process first, or `replace` has set it since."""
        with _reading:
            if self not in _read:
                _read[self] = self.read()
            return _read[self]

    def read(self) -> str:
        """The passphrase; one that is not there or empty is an error."""
        passphrase = self._password()
        if not passphrase:
            raise KrajError(
                KEYRING_UNUSABLE,
                f"{self} holds no passphrase",
                hint=f"Put it there: keyring set {self.service} {self.name}",
            )
        return passphrase

    def exists(self) -> bool:
        return bool(self._password())

    def replace(self, passphrase: str) -> str:
        """Let the entry hold another passphrase; returns where the one before is kept."""
        old = KeyringEntry(self.service, f"{self.name}.old")
        before = self._password()
        if before:
            old._store(before)
        self._store(passphrase)
        return str(old)

    def _password(self) -> str:
        library = _library()
        try:
            return (library.get_password(self.service, self.name) or "").strip()
        except library.errors.KeyringError as error:
            raise self._refused("read", error) from error

    def _store(self, passphrase: str) -> None:
        library = _library()
        try:
            library.set_password(self.service, self.name, passphrase)
        except library.errors.KeyringError as error:
            raise self._refused("write", error) from error
        finally:
            with _reading:
                _read.pop(self, None)

    def _refused(self, verb: str, error: Exception) -> KrajError:
        # Its first line: with no keyring at all the library explains itself at length.
        words = (str(error) or type(error).__name__).splitlines()[0]
        return KrajError(KEYRING_UNUSABLE, f"cannot {verb} {self}", causes=(words,))


def _library() -> Any:
    try:
        # An optional extra, and slow to load.
        import keyring  # noqa: PLC0415
        import keyring.errors  # noqa: PLC0415
    except ImportError as error:
        raise KrajError(
            KEYRING_UNUSABLE,
            f"{VARIABLE} is set, and Python's library keyring is not installed",
            hint="pip install 'kraj[keyring]'",
        ) from error
    return keyring
