"""The host keys of a region's servers: read from their consoles once, and kept.

cloud-init prints a server's public keys to its console when it boots first, and Nova shows the
console through the cloud's own API: so the first connection trusts nobody but the cloud. Consoles
are overwritten, so the keys are kept, with Nova's id of the server. Another id is another server,
whose key is read anew; another key of the same id is an error. Asking Nova is the caller's part.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kraj.configure.errors import FILES_UNUSABLE, HOST_KEY_CHANGED
from kraj.errors import KrajError
from kraj.files import write_atomically
from kraj.planning.documents import ServerOutput

_BEGIN: Final = "-----BEGIN SSH HOST KEY KEYS-----"
_END: Final = "-----END SSH HOST KEY KEYS-----"
_KEY: Final = re.compile(r"\b(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp\d+) (AAAA[0-9A-Za-z+/]+=*)")
#: Comment of the lines that are ours: Nova's id of the server.
_MARK: Final = "nova:"
_HEAD: Final = (
    "# Host keys of this region's servers, read from their consoles by `kraj configure`.\n"
    "# The comment is Nova's id: another id is another server.\n"
)


def keys_in(console: str) -> tuple[str, ...]:
    """The keys (`ssh-ed25519 AAAA…`) that a console shows whole, the last time it does."""
    rest, end, _after = console.rpartition(_END)
    _before, begin, block = rest.rpartition(_BEGIN)
    if not begin or not end:
        return ()
    found = (f"{kind} {key}" for kind, key in _KEY.findall(block) if _is_key(kind, key))
    return tuple(dict.fromkeys(found))


def _is_key(kind: str, key: str) -> bool:
    """Whether the key is of the kind that is written before it (RFC 4253, 6.6)."""
    try:
        blob = base64.b64decode(key, validate=True)
    except binascii.Error:
        return False
    length = int.from_bytes(blob[:4], "big")
    return blob[4 : 4 + length] == kind.encode() and len(blob) > 4 + length


@dataclass(frozen=True, slots=True)
class KnownHost:
    """One server with its keys."""

    server_id: str
    keys: tuple[str, ...]
    addresses: tuple[str, ...] = ()


@dataclass(slots=True)
class KnownHosts:
    """The file of a region's host keys, as SSH itself reads it."""

    path: Path
    _hosts: dict[str, KnownHost] = field(default_factory=dict)
    _others: list[str] = field(default_factory=list)  #: lines that somebody else has written

    @classmethod
    def load(cls, path: Path) -> KnownHosts:
        """What is kept; nothing where there is no file yet. Raises KRJ849."""
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return cls(path)
        except (OSError, ValueError) as error:
            raise KrajError(
                FILES_UNUSABLE, f"cannot read the host keys in {path}: {error}"
            ) from error
        known = cls(path)
        for line in text.removeprefix(_HEAD).splitlines():
            known._take(line)
        return known

    def _take(self, line: str) -> None:
        words = line.split()
        if len(words) != 4 or not words[3].startswith(_MARK):
            self._others.append(line)
            return
        name, *addresses = words[0].split(",")
        server_id = words[3].removeprefix(_MARK)
        before = self._hosts.get(name)
        keys = before.keys if before and before.server_id == server_id else ()
        key = f"{words[1]} {words[2]}"
        self._hosts[name] = KnownHost(server_id, (*keys, key), tuple(addresses))

    def knows(self, server: ServerOutput) -> bool:
        """Whether the keys of this server, by its id, are kept."""
        known = self._hosts.get(server.name)
        return known is not None and known.server_id == server.id

    def learn(self, server: ServerOutput, keys: tuple[str, ...]) -> None:
        """Keep the keys that a server's console shows.

        Raises KRJ845 where others are kept of the same server.
        """
        known = self._hosts.get(server.name)
        if known is not None and known.server_id == server.id and set(known.keys) != set(keys):
            raise changed_key(server.name, self.path)
        self._hosts[server.name] = KnownHost(server.id, keys, _addresses(server))

    def save(self, servers: Mapping[str, ServerOutput]) -> None:
        """Write the file, with the addresses that servers have now. Raises KRJ849.

        What another run has learned meanwhile stays.
        """
        self._hosts = {**KnownHosts.load(self.path)._hosts, **self._hosts}
        for name, server in servers.items():
            if self.knows(server):
                self._hosts[name] = KnownHost(server.id, self._hosts[name].keys, _addresses(server))
        lines = [
            f"{','.join((name, *host.addresses))} {key} {_MARK}{host.server_id}"
            for name, host in sorted(self._hosts.items())
            for key in host.keys
        ]
        text = _HEAD + "".join(f"{line}\n" for line in (*self._others, *lines))
        try:
            if not self.path.is_file() or self.path.read_text(encoding="utf-8") != text:
                write_atomically(self.path, text, mode=0o600)
        except OSError as error:
            raise KrajError(
                FILES_UNUSABLE, f"cannot write the host keys to {self.path}: {error.strerror}"
            ) from error


def _addresses(server: ServerOutput) -> tuple[str, ...]:
    """The addresses that people may use with plain SSH."""
    floating = (server.floating_address,) if server.floating_address else ()
    return tuple(dict.fromkeys((*floating, *server.addresses)))


def changed_key(name: str, path: Path, words: str = "") -> KrajError:
    """The error for a server that shows another key than the kept one."""
    return KrajError(
        HOST_KEY_CHANGED,
        f"server {name} shows another host key than the one in {path}",
        hint=f"Find out why. Where the new key is rightful: ssh-keygen -f {path} -R {name}, and "
        "run again; the key is then read from the console.",
        causes=(words,) if words else (),
        details={"server": name},
    )
