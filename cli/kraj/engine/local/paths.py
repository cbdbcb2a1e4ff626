"""Property paths as Pulumi writes them: `tags.owner`, `rules[0].port`, `labels["a.b"]`, `*`.

Used for the options ignoreChanges and replaceOnChanges, and for showing what changes. A path that
meets nothing is no error, as in Pulumi.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from kraj.engine.local.values import Properties, Secret

Path: TypeAlias = tuple[str | int, ...]

_TOKEN = re.compile(r'\.?(?:(\*)|([^.\["]+)|\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\])')
_ABSENT = object()


def parse_path(text: str) -> Path:
    """The keys and indexes of a path; `*` stands for any. Raises ValueError."""
    keys: list[str | int] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"not a property path: {text!r}")
        star, name, quoted, index = match.groups()
        if star or index == "*":
            keys.append("*")
        elif quoted is not None:
            keys.append(quoted.replace('\\"', '"'))
        else:
            keys.append(int(index) if index is not None else name)
        at = match.end()
    return tuple(keys)


def value_at(value: Any, path: str) -> Any:
    """What is found there, None where there is nothing; inside a secret it is one, too."""
    hidden = False
    for key in parse_path(path):
        hidden = hidden or isinstance(value, Secret)
        inside = _strip(value)
        if isinstance(inside, dict):
            value = inside.get(str(key))
        elif isinstance(inside, list) and isinstance(key, int) and key < len(inside):
            value = inside[key]
        else:
            return None
    return Secret(_strip(value)) if hidden and value is not None else value


def matches(changed: str, selectors: Iterable[str]) -> bool:
    """Whether a changed path lies at or below one of the selectors, as Pulumi has it.

    A change that a provider tells of no more closely than above a selector is not met by it.
    """
    path = parse_path(changed)
    return any(_meets(path, parse_path(selector)) for selector in selectors)


def _meets(path: Path, selector: Path) -> bool:
    pairs = zip(path, selector, strict=False)
    return len(path) >= len(selector) and all(wanted in ("*", key) for key, wanted in pairs)


def keep_ignored(news: Properties, olds: Properties, selectors: Sequence[str]) -> Properties:
    """`news` with the values of `olds` at the selected paths (option ignoreChanges)."""
    if not selectors:
        return news
    kept: Any = copy.deepcopy(news)
    for selector in selectors:
        kept = _keep(kept, olds, parse_path(selector))
    return dict(kept)


def _keep(new: Any, old: Any, path: Path) -> Any:
    if not path:
        return old
    if isinstance(new, Secret) and not isinstance(old, Secret):
        return Secret(_strip(_keep(new.value, old, path)))
    if isinstance(new, Secret) or isinstance(old, Secret):
        return Secret(_strip(_keep(_strip(new), _strip(old), path)))
    if isinstance(new, dict) and isinstance(old, dict):
        return _keep_in_object(new, old, path)
    if isinstance(new, list) and isinstance(old, list):
        return _keep_in_list(new, old, path)
    return new


def _keep_in_object(new: dict[str, Any], old: dict[str, Any], path: Path) -> dict[str, Any]:
    keys = {*new, *old} if path[0] == "*" else {str(path[0])}
    for key in keys:
        was = old.get(key, _ABSENT)
        if len(path) == 1 and was is _ABSENT:
            new.pop(key, None)
        elif len(path) == 1:
            new[key] = was
        elif key in new and was is not _ABSENT:
            new[key] = _keep(new[key], was, path[1:])
    return new


def _keep_in_list(new: list[Any], old: list[Any], path: Path) -> list[Any]:
    if path[0] == "*" and len(path) == 1:
        return old
    indexes = range(min(len(new), len(old))) if path[0] == "*" else [path[0]]
    for index in indexes:
        if isinstance(index, int) and index < len(new) and index < len(old):
            new[index] = _keep(new[index], old[index], path[1:])
    return new


def _strip(value: Any) -> Any:
    return value.value if isinstance(value, Secret) else value
