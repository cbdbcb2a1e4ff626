"""Compares versions of Debian packages as dpkg does (Debian policy, section 5.6.12)."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import Final

_PARTS: Final = re.compile(r"(\D*)(\d*)")
#: Sorts before everything, even before the end of a text.
_TILDE: Final = -1


def sort_key(version: str) -> tuple[int, _Part, _Part]:
    """A key by which versions are sorted: epoch, upstream version, Debian's revision."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, dash, revision = rest.rpartition("-")
    if not dash:
        upstream, revision = rest, ""
    return int(epoch), _Part(upstream), _Part(revision)


class _Part:
    """An upstream version or a revision: texts and numbers in turn."""

    def __init__(self, text: str) -> None:
        self._pieces = [
            ([_order(character) for character in letters], int(digits or 0))
            for letters, digits in _PARTS.findall(text)
        ]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Part) and not self < other and not other < self

    def __hash__(self) -> int:  # pragma: no cover - keys are compared, never hashed
        raise TypeError("not hashable: equal versions may be written differently")

    def __lt__(self, other: _Part) -> bool:
        nothing: tuple[list[int], int] = ([], 0)
        for mine, theirs in zip_longest(self._pieces, other._pieces, fillvalue=nothing):
            for own, its in zip_longest(mine[0], theirs[0], fillvalue=0):
                if own != its:
                    return own < its
            if mine[1] != theirs[1]:
                return mine[1] < theirs[1]
        return False


def _order(character: str) -> int:
    """Letters sort before all other characters, `~` before the end (which counts 0)."""
    if character == "~":
        return _TILDE
    return ord(character) if character.isalpha() else ord(character) + 256
