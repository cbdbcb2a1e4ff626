"""Gives the secrets in a region's states, and its certificate authority, another passphrase.

Each state is written at once or not at all. Who was stopped half-way runs it again with the same
new passphrase: what has it is left alone. kraj's own passphrase file, or the keyring's
entry, changes last.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kraj.configure.authority import FOLDER as AUTHORITY
from kraj.configure.authority import Authority
from kraj.engine.errors import BAD_PASSPHRASE_FILE, WRONG_PASSPHRASE
from kraj.engine.local.crypto import Crypter, KeyRing
from kraj.engine.local.lock import stack_lock
from kraj.engine.local.rotation import count_secrets, reencrypt
from kraj.engine.local.state import crypter_of
from kraj.engine.passphrase import own_place, read_passphrase, resolve_passphrase
from kraj.errors import KrajError
from kraj.operations.states import RegionStates


@dataclass(frozen=True, slots=True)
class RotatedState:
    """A state and its secrets."""

    stack: str  #: its label
    secrets: int
    before: bool  #: it had the new passphrase already


def new_passphrase(file: Path | None, typed: str) -> str:
    """The new passphrase, from a file or as it was typed. Raises KRJ317."""
    if file is not None:
        return read_passphrase(file)
    if not typed.strip():
        raise KrajError(BAD_PASSPHRASE_FILE, "the new passphrase is empty")
    return typed.strip()


class Rotation:
    """From the passphrase that is found now to another one."""

    def __init__(self, states: RegionStates, passphrase: str) -> None:
        self._states = states
        self._passphrase = passphrase
        self._keys = KeyRing(lambda: passphrase)

    def plan(self) -> tuple[RotatedState, ...]:
        """What there is to do. Raises KRJ309, KRJ310 where a state has neither passphrase."""
        return tuple(
            RotatedState(label, count_secrets(deployment), self._has_new(label, deployment))
            for label, store in self._states.stores()
            if (deployment := store.load()) is not None
        )

    def carry_out(self) -> str | None:
        """Do it, with all stacks locked; returns where the old passphrase is, if kraj keeps it.

        Raises KRJ306 before anything is changed where somebody works on a stack, and KRJ310 where
        the authority has another passphrase; KRJ308, KRJ317, KRJ328, KRJ880.
        """
        stores = self._states.stores()
        with contextlib.ExitStack() as locks:
            for _label, store in stores:
                locks.enter_context(stack_lock(store, lambda _message: None))
            self._authority().reencrypt(self._passphrase)
            for label, store in stores:
                deployment = store.load()
                if deployment is not None and not self._has_new(label, deployment):
                    old = crypter_of(deployment, self._states.keys)
                    store.save(reencrypt(deployment, old, self._new_crypter()))
            return self._replace_own()

    def _authority(self) -> Authority:
        folder = self._states.state_dir
        return Authority(folder / AUTHORITY, lambda: resolve_passphrase(folder))

    def _new_crypter(self) -> Crypter:
        return crypter_of(None, self._keys)

    def _has_new(self, label: str, deployment: dict[str, Any]) -> bool:
        if crypter_of(deployment, self._keys).fits():
            return True
        if not crypter_of(deployment, self._states.keys).fits():
            raise KrajError(WRONG_PASSPHRASE, f"{label} has neither the old passphrase nor the new")
        return False

    def _replace_own(self) -> str | None:
        place = own_place(self._states.state_dir)
        if place is None or (place.exists() and place.read() == self._passphrase):
            return None
        return place.replace(self._passphrase)
