"""The address ledger as text: a YAML file that people review with the change that caused it.

It is read as strictly as the region's own files, because people merge it: an entry that is there
twice is refused, not half lost. Reading and writing the file itself is the caller's.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from kraj.errors import KrajError, KrajErrors, Location
from kraj.model.yaml_files import Document, PathPart, parse_document
from kraj.planning.addresses import Allocation, CentreRecord, Ledger
from kraj.planning.errors import LEDGER_UNREADABLE

VERSION = 1
_HEADER = """\
# Which prefix belongs to whom. Written by `kraj plan`; review and commit it with the change.
# Keyed by the code that never changes (LAU code, org-<company id>, NUTS code). A released prefix
# waits for its former holder; delete its line to give it to others.
"""

_Value = TypeVar("_Value")


def ledger_to_text(ledger: Ledger) -> str:
    """The same ledger gives the same bytes."""
    parts = [_HEADER, f"version: {VERSION}\n"]
    if ledger.centre.blocks or ledger.centre.reserved_gib:
        parts.append(f"centre: {{{_centre(ledger.centre)}}}\n")
    parts.append(_section("tenants", ledger.tenants))
    if ledger.released:
        parts.append(_section("released", ledger.released))
    return "".join(parts)


def _centre(centre: CentreRecord) -> str:
    return f"blocks: {_numbers(centre.blocks)}, reserved_gib: {_numbers(centre.reserved_gib)}"


def _section(title: str, entries: Mapping[str, Allocation]) -> str:
    if not entries:
        return f"{title}: {{}}\n"
    lines = [f"{title}:\n"]
    for code, item in sorted(entries.items()):
        words = [f"name: {_quoted(item.name)}", f"ipv4: {item.ipv4}"]
        if item.ipv6 is not None:
            words.append(f'ipv6: "{item.ipv6}"')
        if item.blocks:
            words.append(f"blocks: {_numbers(item.blocks)}")
        lines.append(f'  "{code}": {{{", ".join(words)}}}\n')
    return "".join(lines)


def _numbers(values: Mapping[str, int]) -> str:
    words = [f"{_quoted(name)}: {number}" for name, number in sorted(values.items())]
    return f"{{{', '.join(words)}}}"


#: Slugs that YAML 1.1 or 1.2 would take for something else than a text.
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}


def _quoted(slug: str) -> str:
    """A slug as a YAML text: in quotes where it looks like a number, a date or a truth value."""
    return f'"{slug}"' if slug in _WORDS or slug[:1].isdigit() else slug


def ledger_from_text(text: str, file: str = "addresses.yaml") -> Ledger:
    """Read a ledger; a text without entries is an empty one.

    Raises KRJ203 with the place and what is wrong where it is none.
    """
    lines = (line.strip() for line in text.splitlines())
    if all(line.startswith("#") for line in lines if line):
        return Ledger()
    try:
        document = parse_document(text.encode(), file)
    except KrajError as error:
        raise KrajError(LEDGER_UNREADABLE, error.message, error.location) from error
    except KrajErrors as error:
        first = error.errors[0]
        raise KrajError(LEDGER_UNREADABLE, first.message, first.location) from error
    return _Reader(document).ledger()


def locate_entry(text: str, file: str, code: str) -> Location:
    """Place of a code's entry in a ledger that could be read; of the centre's for an empty code."""
    document = parse_document(text.encode(), file)
    sections = [section for section in ("tenants", "released") if document.value.get(section)]
    paths = [(name, code) for name in sections if code in document.value[name]]
    return document.locate(paths[0] if paths else ("centre",), key=True)


class _Reader:
    """Turns the parts of a document into values and knows the place of each."""

    def __init__(self, document: Document) -> None:
        self.document = document

    def ledger(self) -> Ledger:
        known = {"version", "centre", "tenants", "released"}
        content = self.mapping((), self.document.value, known)
        version = content.get("version", VERSION)
        if version != VERSION:
            raise self.wrong(("version",), f"version {version!r} is not {VERSION}")
        centre = self.mapping(("centre",), content.get("centre"), {"blocks", "reserved_gib"})
        return Ledger(
            tenants=self.allocations("tenants", content.get("tenants")),
            released=self.allocations("released", content.get("released")),
            centre=CentreRecord(
                self.numbers(("centre", "blocks"), centre.get("blocks")),
                self.numbers(("centre", "reserved_gib"), centre.get("reserved_gib")),
            ),
        )

    def allocations(self, title: str, section: Any) -> dict[str, Allocation]:
        return {
            code: self.allocation((title, code), entry)
            for code, entry in self.mapping((title,), section).items()
        }

    def allocation(self, path: tuple[PathPart, ...], entry: Any) -> Allocation:
        content = self.mapping(path, entry, {"name", "ipv4", "ipv6", "blocks"})
        for key in ("name", "ipv4"):
            if key not in content:
                raise self.wrong(path, f"the key {key!r} is missing")
        ipv6 = content.get("ipv6")
        return Allocation(
            name=str(content["name"]),
            ipv4=self.made((*path, "ipv4"), ipaddress.IPv4Network, content["ipv4"]),
            ipv6=None if ipv6 is None else self.made((*path, "ipv6"), ipaddress.IPv6Network, ipv6),
            blocks=self.numbers((*path, "blocks"), content.get("blocks")),
        )

    def made(self, path: tuple[PathPart, ...], make: Callable[[str], _Value], value: Any) -> _Value:
        try:
            return make(str(value))
        except ValueError as error:
            raise self.wrong(path, str(error)) from error

    def numbers(self, path: tuple[PathPart, ...], value: Any) -> dict[str, int]:
        content = self.mapping(path, value)
        for name, number in content.items():
            if not isinstance(number, int) or isinstance(number, bool) or number < 0:
                raise self.wrong((*path, name), f"{number!r} is not a whole number")
        return content

    def mapping(
        self, path: tuple[PathPart, ...], value: Any, known: Collection[str] | None = None
    ) -> dict[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.wrong(path, f"{value!r} is not a mapping")
        unknown = sorted(set(value) - set(known)) if known is not None else []
        if unknown:
            raise self.wrong((*path, unknown[0]), f"unknown key {unknown[0]!r}")
        return value

    def wrong(self, path: tuple[PathPart, ...], message: str) -> KrajError:
        location: Location = self.document.locate(path)
        return KrajError(LEDGER_UNREADABLE, message, location)
