"""Writes the starter files of a new region: commented, valid, and in nobody's way.

The folder appears whole or not at all. What the files say is in the templates; this module
chooses only what must differ from region to region, such as address ranges.
"""

from __future__ import annotations

import json
import re
import secrets
import tempfile
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jinja2 import Environment, PackageLoader, StrictUndefined

from kraj.errors import KrajError, KrajErrors
from kraj.files import write_atomically
from kraj.model.base import SLUG_PATTERN, SLUG_PHRASE
from kraj.model.errors import FILE_MISSING, FILE_NAME, FOLDER_NOT_EMPTY
from kraj.model.loader import load_region
from kraj.model.neighbours import neighbours_of
from kraj.model.sources import REGION_FILE, TENANTS_FOLDER, display

README_FILE = "README.md"
KEY_FILE = "operators.pub"

#: Private ranges that regions get in turn: a /12 holds 4,000 tenants of a /24 (RFC 1918). The lower
#: quarter of 10.0.0.0/8 comes last, being what routers and laboratory networks mostly use.
_IPV4_RANGES = tuple(IPv4Network("10.0.0.0/8").subnets(new_prefix=12))
_IPV4_CHOICE = _IPV4_RANGES[4:] + _IPV4_RANGES[:4]
_LANGUAGES = {"AT": "de", "CZ": "cs", "DE": "de", "PL": "pl", "SK": "sk"}
_SCHEMAS = Path("docs/schema")


def init_region(
    folder: Path,
    *,
    name: str,
    title: str,
    nuts: str,
    country: str,
    time_zone: str = "Europe/Prague",
) -> tuple[Path, ...]:
    """Make `folder` with the starter files of a region; the folder's name must be the region's.

    Returns the files. Raises KRJ142 where the folder has files already, KRJ127 where the name is no
    slug, KrajErrors where another value is none that a region can have, and KRJ140 where the folder
    cannot be written.
    """
    target = folder.absolute()
    if not re.fullmatch(SLUG_PATTERN, name):
        raise KrajError(FILE_NAME, f"the name {name!r} must be {SLUG_PHRASE}")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise KrajError(FOLDER_NOT_EMPTY, f"{display(target)} exists and is not empty")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".region-") as scratch:
            made = Path(scratch) / target.name
            (made / TENANTS_FOLDER).mkdir(parents=True)
            values = _values(target, name, title, nuts, country, time_zone)
            for file, text in _texts(values).items():
                write_atomically(made / file, text)
            _refuse_wrong_values(made)
            made.replace(target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise KrajError(FILE_MISSING, f"cannot write {display(target)}: {reason}") from error
    return tuple(folder / file for file in (README_FILE, KEY_FILE, REGION_FILE))


def _values(
    target: Path, name: str, title: str, nuts: str, country: str, time_zone: str
) -> dict[str, object]:
    """What the templates fill in."""
    taken = [net for neighbour in neighbours_of(target) for net in neighbour.supernets]
    schemas = target.parent.parent / _SCHEMAS
    local = _LANGUAGES.get(country)
    return {
        "name": name,
        "title": title,
        "nuts": nuts,
        "country": country,
        "time_zone": time_zone,
        "languages": [local, "en"] if local else ["en"],
        "ipv4_supernet": _free_ipv4(taken),
        "ipv6_supernet": _random_ula(),
        "schemas": f"../../{_SCHEMAS}" if schemas.is_dir() else None,
    }


def _texts(values: dict[str, object]) -> dict[str, str]:
    """The files' contents by name."""
    environment = Environment(
        loader=PackageLoader("kraj.model"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - YAML, not HTML; `quoted` makes any text safe there
        keep_trailing_newline=True,
        trim_blocks=True,
    )
    environment.filters["quoted"] = _quoted
    environment.filters["one_line"] = lambda text: "".join(c for c in text if c.isprintable())
    texts = {
        file: environment.get_template(f"{file}.j2").render(values)
        for file in (README_FILE, REGION_FILE)
    }
    return texts | {KEY_FILE: _public_key_of_nobody(f"replace-me@{values['name']}.example")}


def _quoted(text: str) -> str:
    """A double-quoted YAML scalar: JSON's form, and escapes for what YAML must not hold plainly."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08X}" for c in quoted)


def _refuse_wrong_values(made: Path) -> None:
    """Validate the new folder; errors name the values, as there is no file to point to yet."""
    try:
        load_region(made, made / "no-services")
    except KrajErrors as errors:
        raise KrajErrors(
            KrajError(error.code, error.message, hint=error.hint, details=error.details)
            for error in errors.errors
        ) from errors


def _free_ipv4(taken: Iterable[IPv4Network | IPv6Network]) -> IPv4Network:
    """The first range that no neighbour uses; the first of all where every one is used.

    Overlap is an error only on a shared cloud, which validation tells once the cloud is written.
    """
    used = [network for network in taken if isinstance(network, IPv4Network)]
    free = (choice for choice in _IPV4_CHOICE if not any(choice.overlaps(net) for net in used))
    return next(free, _IPV4_CHOICE[0])


def _random_ula() -> IPv6Network:
    """A unique local prefix with a random global identifier (RFC 4193, section 3.2)."""
    return IPv6Network(((0xFD << 120) | (secrets.randbits(40) << 80), 48))


def _public_key_of_nobody(comment: str) -> str:
    """A valid OpenSSH public key; its private half is never stored."""
    key = Ed25519PrivateKey.generate().public_key()
    line = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return f"{line} {comment}\n"
