"""YAML files with places: reads a file strictly and finds line and column of any value in it.

Strict means: YAML 1.2's core schema (`NO` is a text, 07:00 is a text), no duplicate keys, no
anchors and no tags, one document, limited size and depth. It knows nothing of regions; places are
looked up in the node tree only when something is wrong, so that many good files cost little.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from kraj.errors import ErrorCode, KrajError, KrajErrors, Location
from kraj.model.errors import DUPLICATE_KEY, FILE_MISSING, YAML_FEATURE, YAML_SYNTAX

MAX_BYTES = 1_000_000
MAX_DEPTH = 40
#: Above so many brackets and dashes the depth is counted before libyaml's recursion meets it.
_SUSPICIOUS = 500

_TAG = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,18}|[0-9]{1,18}(\.[0-9]{0,18})?)([eE][-+]?[0-9]{1,2})?")
_WORDS = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    "null": None,
    "Null": None,
    "NULL": None,
    "~": None,
    "": None,
}

PathPart = str | int


class _Loader(yaml.CSafeLoader):
    """libyaml's parser without YAML 1.1's guesses: plain scalars are typed by `_plain`."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - overrides PyYAML's own attribute


@dataclass(frozen=True, slots=True)
class Document:
    """One file: its name for people, its node tree and its plain value."""

    file: str
    root: Node
    value: Any

    def locate(self, path: Sequence[PathPart], *, key: bool = False) -> Location:
        """Place of the value at `path`, or of the last part of the path that exists.

        With `key`, the place of the key where the last part is one.
        """
        node, key_node, _ = find(self.root, path)
        mark = (key_node if key and key_node is not None else node).start_mark
        return Location(self.file, mark.line + 1, mark.column + 1)

    def text(self, path: Sequence[PathPart]) -> str | None:
        """The scalar at `path` as written, None where it is no scalar or does not exist."""
        node, _, depth = find(self.root, path)
        whole = depth == len(path) and isinstance(node, ScalarNode)
        return str(node.value) if whole else None


def read_document(path: Path, file: str) -> Document:
    """Read a file; `file` is its name for people.

    Raises KrajError (KRJ101, KRJ107, KRJ140), or KrajErrors with all KRJ102 and KRJ107 of the file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise KrajError(FILE_MISSING, f"cannot read {file}: {reason}", Location(file)) from error
    return parse_document(content, file)


def parse_document(content: bytes, file: str) -> Document:
    """The same for a content that is at hand."""
    if len(content) > MAX_BYTES:
        message = f"{len(content):,} bytes are more than the limit of {MAX_BYTES:,}"
        raise KrajError(YAML_SYNTAX, message, Location(file))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"the byte 0x{content[error.start]:02x} is not UTF-8"
        raise KrajError(YAML_SYNTAX, message, _at_byte(content, error.start, file)) from error
    try:
        _refuse_depth_and_aliases(text, file)
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, file) from error
    except yaml.reader.ReaderError as error:
        # libyaml counts bytes of UTF-8 and gives the character as a number
        message = f"the character U+{int(error.character):04X} is not allowed in YAML"
        raise KrajError(
            YAML_SYNTAX, message, _at_byte(text.encode(), error.position, file)
        ) from error
    if root is None:
        raise KrajError(YAML_SYNTAX, "the file is empty", Location(file))
    reader = _Reader(file)
    value = reader.value(root)
    if reader.errors:
        raise KrajErrors(reader.errors)
    return Document(file, root, value)


def find(root: Node, path: Sequence[PathPart]) -> tuple[Node, Node | None, int]:
    """The node at `path` as far as it exists, the key that led to it, and the depth reached."""
    node: Node = root
    key_node: Node | None = None
    for depth, part in enumerate(path):
        step = _child(node, part)
        if step is None:
            return node, key_node, depth
        node, key_node = step
    return node, key_node, len(path)


def _child(node: Node, part: PathPart) -> tuple[Node, Node | None] | None:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return value, key
    elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], None
    return None


class _Reader:
    """Turns nodes into plain values and collects what region files must not contain."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.errors: list[KrajError] = []

    def value(self, node: Node) -> Any:
        if isinstance(node, ScalarNode):
            self._refuse_tag(node, "str")
            return node.value if node.style else _plain(node.value)
        if isinstance(node, SequenceNode):
            self._refuse_tag(node, "seq")
            return [self.value(item) for item in node.value]
        self._refuse_tag(node, "map")
        return self._mapping(node)

    def _mapping(self, node: Node) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self._add(YAML_FEATURE, "a key must be a plain text", key)
            elif key.value in result:
                self._add(DUPLICATE_KEY, f"the key '{key.value}' is there twice", key)
            else:
                result[key.value] = self.value(value)
        return result

    def _refuse_tag(self, node: Node, plain: str) -> None:
        if node.tag != _TAG + plain:
            self._add(YAML_FEATURE, f"the tag {node.tag!r} is not used in region files", node)

    def _add(self, code: ErrorCode, message: str, node: Node) -> None:
        self.errors.append(KrajError(code, message, _place(node, self.file)))


def _plain(text: str) -> Any:
    """The value of an unquoted scalar in YAML 1.2's core schema."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "+-.0123456789":
        if _INT.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
    return text


def _refuse_depth_and_aliases(text: str, file: str) -> None:
    """Look at the flat stream of events where the text could hide deep nesting or an alias."""
    suspicious = sum(text.count(sign) for sign in ("[", "{", "- ", "? ", "-\n"))
    if suspicious < _SUSPICIOUS and "&" not in text and "*" not in text:
        return
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            message = f"more than {MAX_DEPTH} levels are nested here"
            raise KrajError(YAML_FEATURE, message, _place(event, file))
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            kind = "alias *" if isinstance(event, yaml.AliasEvent) else "anchor &"
            message = f"the {kind}{anchor} is not used in region files"
            raise KrajError(YAML_FEATURE, message, _place(event, file))


def _syntax_error(error: yaml.MarkedYAMLError, file: str) -> KrajError:
    mark = error.problem_mark or error.context_mark
    place = Location(file, mark.line + 1, mark.column + 1) if mark else Location(file)
    problem = error.problem or "it cannot be parsed"
    context = f" {error.context}" if error.context else ""
    return KrajError(YAML_SYNTAX, f"{problem}{context}", place)


def _place(thing: Any, file: str) -> Location:
    return Location(file, thing.start_mark.line + 1, thing.start_mark.column + 1)


def _at_byte(content: bytes, position: int, file: str) -> Location:
    before = content[:position].decode("utf-8-sig", errors="replace")
    return Location(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
