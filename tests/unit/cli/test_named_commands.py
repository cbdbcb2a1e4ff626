"""Every command of kraj that a text for people names is one that there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from kraj.app import app
from kraj.operations.codes import all_codes

ROOT = Path(__file__).parents[3]
#: In the sources, where errors, hints and helps are, and in the documents.
TEXTS = [
    *sorted((ROOT / "cli" / "kraj").rglob("*.py")),
    *sorted((ROOT / "docs").glob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
]
_NAMED = re.compile(r"`kraj ([^`]*)`|Example: kraj ([^\n\"]*)|^\$ kraj ([^\n]*)", re.MULTILINE)


def named(text: str) -> Iterator[list[str]]:
    """The words of each command in a text, without what stands for something else."""
    # Long texts in sources are several literals, one below the other.
    joined = re.sub(r'"\n\s*f?"', "", text)
    for match in _NAMED.finditer(joined):
        command = next(part for part in match.groups() if part is not None)
        yield re.split(r"\s+", re.split(r"[#|\\]", command)[0].strip())


def complaint(words: list[str]) -> str:
    """What is wrong with a command; empty for nothing."""
    command = typer.main.get_command(app)
    path = "kraj"
    for word in (word.rstrip(",") for word in words):
        if word.startswith("-"):
            name = word.partition("=")[0]
            options = {name for parameter in command.params for name in parameter.opts}
            options |= {name for parameter in command.params for name in parameter.secondary_opts}
            if name not in {*options, "--help", "-h"}:
                return f"{path} has no option {name}"
        elif hasattr(command, "commands"):
            if word in command.commands:
                command, path = command.commands[word], f"{path} {word}"
            elif re.fullmatch(r"[a-z][a-z-]+", word):
                return f"{path} has no command {word}"
            else:
                return ""
    return ""


def test_every_command_that_a_text_names_exists() -> None:
    wrong = [
        f"{file.relative_to(ROOT)}: kraj {' '.join(words)}: {problem}"
        for file in TEXTS
        for words in named(file.read_text(encoding="utf-8"))
        if (problem := complaint(words))
    ]
    assert wrong == []


def test_every_option_that_an_error_names_exists() -> None:
    there = {"--help"}
    waiting: list[Any] = [typer.main.get_command(app)]
    while waiting:
        command = waiting.pop()
        there |= {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
        waiting += getattr(command, "commands", {}).values()
    others = re.compile(r"`(?!kraj )[^`]*`|apt-get install --\S+")  # another program's command
    told = " ".join(others.sub("", code.remedy) for code in all_codes())
    assert set(re.findall(r"--[a-z][a-z-]*", told)) - there == set()


def test_what_does_not_exist_is_found() -> None:
    (lost, right, option) = named("`kraj stat list`, `kraj state list`, `kraj up --fresh`")
    assert complaint(lost) == "kraj has no command stat"
    assert complaint(right) == ""
    assert complaint(option) == "kraj up has no option --fresh"
