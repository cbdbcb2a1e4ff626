"""The table docs/engine-conformance.md, made from the records and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kraj.engine.conformance.features import FEATURES, GROUPS, Feature
from kraj.engine.conformance.standing import standing
from kraj.engine.pulumi_cli import CLI_VERSION

TABLE = Path(__file__).parents[2] / "docs" / "engine-conformance.md"

_HEAD = f"""# What both engines do with a Pulumi program

Each line is a small program that is run on both engines through some stages: created, changed,
made to fail, changed by hand, destroyed. Compared are plan and run (steps, properties that change
or force a replacement, outputs, remarks, events, errors), the state, what the provider was asked
and in which order, and what is left in the cloud.

`pulumi` is Pulumi's own command, {CLI_VERSION}, with a plugin; `local` is kraj's engine.
“Same” means: no difference in any of these. “Refused” means: the run ends with KRJ301, which names
the feature, before anything is touched. Nothing that a program can use is ignored in silence.

This file is written by `python -m tests.conformance table` from the results in `recorded` of
`kraj.engine.conformance`; tests compare both engines with these, and so does
`kraj engine conformance`, on any machine.
"""


def table() -> str:
    """The whole file."""
    return "\n".join([_HEAD, *_summary(), *(line for group in GROUPS for line in _group(group))])


def _summary() -> Iterator[str]:
    words = [standing(item).word for item in FEATURES]
    count = {word: words.count(word) for word in ("same", "differs", "refused")}
    yield (
        f"Of {len(words)} features, the local engine does {count['same']} in the same way and "
        f"{count['differs']} with the differences told here; it refuses {count['refused']}."
    )
    yield ""


def _group(group: str) -> Iterator[str]:
    yield f"## {group}"
    yield ""
    yield "| feature | stages | `pulumi` | `local` |"
    yield "| --- | --- | --- | --- |"
    for item in FEATURES:
        if item.group == group:
            told = f"| {item.title} | {len(item.stages)} | {item.pulumi} | {_told(item)} |"
            yield told
    yield ""


def _told(item: Feature) -> str:
    stands = standing(item)
    if stands.word == "refused":
        return f"refused: “{stands.texts[0]}”"
    return " ".join((f"{stands.word}:" if stands.texts else stands.word, *stands.texts))
