"""Changes one value in the text of a region's file and leaves every other character as it was.

The place of a value is known from the parser, so that comments, quotes, indentation and order stay
a person's own. Writing the text to disk, and whether the new value is allowed, are for the caller.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode

from kraj.errors import KrajError, Location
from kraj.model.errors import FILE_NOT_EDITABLE
from kraj.model.yaml_files import PathPart, find, parse_document

#: A value that needs no quotes: a number, a name, or a size with its unit.
Plain = int | str
_MARK = "\ufeff"  # of the byte order; editors of some systems write it


def with_value(text: str, file: str, path: Sequence[PathPart], value: Plain) -> str:
    """The text with `value` at `path`; keys that are missing at its end are added.

    `file` is the file's name for people. Raises KRJ1xx where the text is no readable YAML, and
    KRJ109 where the value cannot be put there without changing anything else.
    """
    mark, text = (_MARK, text[1:]) if text.startswith(_MARK) else ("", text)
    document = parse_document(text.encode(), file)
    node, _key, depth = find(document.root, path)
    if depth == len(path):
        edited = _replaced(text, node, str(value))
    elif isinstance(node, MappingNode):
        edited = _with_entry(text, node, _entry(path[depth:], value))
    else:
        edited = _replaced(text, node, "{" + _entry(path[depth:], value) + "}")
    wanted = _with_value_at(document.value, path, value)
    if wanted is None or _value_of(edited, file) != wanted:
        key = ".".join(str(part) for part in path)
        raise KrajError(
            FILE_NOT_EDITABLE, f"cannot write {key}: {value} into {file}", Location(file)
        )
    return mark + edited


def _entry(path: Sequence[PathPart], value: Plain) -> str:
    """`quota: {cores: 99}` for the path quota, cores."""
    first, *rest = path
    return f"{first}: {{{_entry(rest, value)}}}" if rest else f"{first}: {value}"


def _replaced(text: str, node: Node, value: str) -> str:
    start, end = node.start_mark.index, node.end_mark.index
    if not isinstance(node, ScalarNode):
        return text
    space = " " if start == end and text[start - 1 : start] == ":" else ""
    return text[:start] + space + value + text[end:]


def _with_entry(text: str, mapping: MappingNode, entry: str) -> str:
    if not mapping.value:
        end: int = mapping.end_mark.index - 1
        return text[:end] + entry + text[end:]
    last = _end_of(mapping.value[-1][1])
    if mapping.flow_style:
        return f"{text[:last]}, {entry}{text[last:]}"
    indent = " " * mapping.value[-1][0].start_mark.column
    newline = "\r\n" if "\r\n" in text else "\n"
    if text[last - 1] == "\n":
        return f"{text[:last]}{indent}{entry}{newline}{text[last:]}"
    line_end = text.find(newline, last)
    line_end = len(text) if line_end < 0 else line_end
    return f"{text[:line_end]}{newline}{indent}{entry}{text[line_end:]}"


def _end_of(node: Node) -> int:
    """Where the last character of a value is; a block reaches to what follows its comments."""
    while isinstance(node, CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(node, MappingNode) else last
    end: int = node.end_mark.index
    return end


def _with_value_at(content: Any, path: Sequence[PathPart], value: Plain) -> Any:
    """The content as it should be read back; None where the path leads through something else."""
    result = copy.deepcopy(content)
    inside = result
    for part in path[:-1]:
        if isinstance(inside, dict) and inside.get(str(part)) is None:
            inside[str(part)] = {}
        try:
            inside = inside[part]
        except (KeyError, IndexError, TypeError):
            return None
    if not isinstance(inside, dict):
        return None
    inside[str(path[-1])] = value
    return result


def _value_of(text: str, file: str) -> Any:
    return parse_document(text.encode(), file).value
