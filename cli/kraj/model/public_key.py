"""The operators' public key: one OpenSSH public key, and never a private one."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

from kraj.errors import KrajError, Location
from kraj.model.errors import FILE_MISSING, PUBLIC_KEY
from kraj.model.sources import display

KEY_TYPES = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)


def read_public_key(path: Path, named_at: Location) -> str:
    """The key's line. Raises KRJ140 at `named_at` if the file is missing, KRJ141 if no key."""
    try:
        content = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        message = f"cannot read the public key {display(path)}: {error.strerror}"
        raise KrajError(FILE_MISSING, message, named_at) from error
    return check_public_key(content, Location(display(path), 1, 1))


def check_public_key(content: str, place: Location) -> str:
    """The key's line. Raises KRJ141 at `place` if there is no key, or a private one."""
    if "PRIVATE KEY" in content:
        raise KrajError(
            PUBLIC_KEY,
            "this is a private key",
            place,
            hint="Treat the key as lost: remove it from the repository and its history, make a new "
            "pair, and put the line of the `.pub` file here.",
        )
    lines = [line.strip() for line in content.splitlines() if line.strip()]
    if len(lines) != 1:
        raise KrajError(PUBLIC_KEY, f"one line is expected, there are {len(lines)}", place)
    if not _is_key(lines[0]):
        raise KrajError(PUBLIC_KEY, f"{lines[0][:40]!r} is not an OpenSSH public key", place)
    return lines[0]


def _is_key(line: str) -> bool:
    """Whether a line is `type base64 [comment]` with the type in the key too (RFC 4253, 6.6)."""
    kind, _, rest = line.partition(" ")
    if kind not in KEY_TYPES:
        return False
    try:
        blob = base64.b64decode(rest.split(" ", 1)[0], validate=True)
    except binascii.Error:
        return False
    length = int.from_bytes(blob[:4], "big")
    return blob[4 : 4 + length] == kind.encode() and len(blob) > 4 + length
