"""The address ledger as text: a YAML file that people review with the change that caused it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

import yaml

from kraj.errors import KrajError, Location
from kraj.planning.addresses import Allocation, Ledger
from kraj.planning.errors import LEDGER_UNREADABLE

VERSION = 1
_HEADER = """\
# Which prefix belongs to whom. Written by `kraj plan`; review and commit it with the change.
# Keyed by the code that never changes (LAU code, org-<company id>, NUTS code). A released prefix
# waits for its former holder; delete its line to give it to others.
"""


def ledger_to_text(ledger: Ledger) -> str:
    """The same ledger gives the same bytes."""
    parts = [_HEADER, f"version: {VERSION}\n", _section("tenants", ledger.tenants)]
    if ledger.released:
        parts.append(_section("released", ledger.released))
    return "".join(parts)


def _section(title: str, entries: Mapping[str, Allocation]) -> str:
    if not entries:
        return f"{title}: {{}}\n"
    lines = [f"{title}:\n"]
    for code, item in sorted(entries.items()):
        words = [f"name: {item.name}", f"ipv4: {item.ipv4}"]
        if item.ipv6 is not None:
            words.append(f'ipv6: "{item.ipv6}"')
        if item.blocks:
            blocks = ", ".join(f"{name}: {number}" for name, number in sorted(item.blocks.items()))
            words.append(f"blocks: {{{blocks}}}")
        lines.append(f'  "{code}": {{{", ".join(words)}}}\n')
    return "".join(lines)


def ledger_from_text(text: str, file: str = "addresses.yaml") -> Ledger:
    """Read a ledger. Raises KRJ203 with what is wrong where it is none."""
    try:
        content = yaml.safe_load(text) or {}
        if content.get("version", VERSION) != VERSION:
            raise ValueError(f"version {content['version']!r} is not {VERSION}")
        unknown = set(content) - {"version", "tenants", "released"}
        if unknown:
            raise ValueError(f"unknown key {min(unknown)!r}")
        return Ledger(_entries(content.get("tenants")), _entries(content.get("released")))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = Location(file, mark.line + 1, mark.column + 1) if mark else Location(file)
        raise KrajError(LEDGER_UNREADABLE, str(error.problem), place) from error
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise KrajError(LEDGER_UNREADABLE, str(error), Location(file)) from error


def _entries(section: Any) -> dict[str, Allocation]:
    return {
        str(code): Allocation(
            name=str(entry["name"]),
            ipv4=ipaddress.IPv4Network(entry["ipv4"]),
            ipv6=ipaddress.IPv6Network(entry["ipv6"]) if "ipv6" in entry else None,
            blocks={str(name): int(number) for name, number in entry.get("blocks", {}).items()},
        )
        for code, entry in (section or {}).items()
    }
