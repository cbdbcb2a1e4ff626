"""Tables on a terminal of 80 columns, which is also what a log is written for: nothing is cut."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from kraj.engine.base import Result
from kraj.model.loader import RegionFiles
from kraj.operations.stacks import StackRun
from kraj.operations.status import StackStatus
from kraj.report.plans import print_summary
from kraj.report.proofs import print_proofs
from kraj.report.region import print_region
from kraj.report.status import print_status
from kraj.verify.checks import Proof, equal
from tests.unit.planning.regions import example_region, with_parts

#: As long as a slug may be.
SLUG = "albrechtice-v-jizerskych-horach-u-tanvald"[:40]
STACK = f"tenant:{SLUG}"
DONE = StackStatus(STACK, True, "2026-11-23T10:48:20Z", "update", "succeeded", 12, 3)


def _region() -> RegionFiles:
    files = example_region()
    liberec = files.tenants["liberec"]
    organisation = liberec.model_copy(
        update={"lau": None, "company_id": "00262978", "name": "Krajská vědecká knihovna v Liberci"}
    )
    return with_parts(files, tenants={SLUG: organisation, "liberec": liberec})


TABLES: dict[str, tuple[Callable[[Console], None], list[str]]] = {
    "plan": (
        lambda console: print_summary(
            [StackRun(STACK, Result(STACK, "up", (), seconds=1234.5)), StackRun("centre")],
            console,
            title="Plan",
        ),
        ["same", "create", "update", "replace", "delete", "seconds", "1234.5"],
    ),
    "status": (
        lambda console: print_status("liberecky", [DONE], console, everything=True),
        ["last update", "update 2026-11-23 10:48", "succeeded", "servers", "floating"],
    ),
    "verify": (
        lambda console: print_proofs([Proof(STACK, (equal("a", "b", 1, 1),), 1.5)], console),
        ["passed", "failed", "skipped", "seconds", "1.5"],
    ),
    "region": (
        lambda console: print_region(_region(), console),
        [SLUG, "org-00262978", "103,979", "inhabitants"],
    ),
}


@pytest.mark.parametrize(("show", "words"), TABLES.values(), ids=TABLES)
def test_the_longest_slug_cuts_no_word_of_a_table(
    show: Callable[[Console], None], words: list[str]
) -> None:
    out = io.StringIO()
    show(Console(file=out, width=80, no_color=True))
    text = out.getvalue()
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "…" not in text
    for word in words:
        assert word in text, text
    # The name goes on in the next line at most.
    first_column = "".join(line.lstrip("✓ ").split(" ")[0] for line in text.splitlines())
    assert SLUG in first_column
