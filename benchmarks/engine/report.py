# /// script
# requires-python = ">=3.11"
# dependencies = ["matplotlib>=3.10"]
# ///
"""Makes the table in README.md and the plot in the documentation out of what `many.py` measured.

uv run --script benchmarks/engine/report.py benchmarks/engine/many.json
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib import pyplot

HERE: Final = Path(__file__).parent
README: Final = HERE / "README.md"
PLOT: Final = HERE.parents[1] / "docs" / "engine-speed.svg"
BEGIN, END = "<!-- many.json: begin -->", "<!-- many.json: end -->"
TITLES: Final = {
    "kraj-local": "kraj, engine local",
    "kraj-pulumi": "kraj, engine pulumi",
    "pulumi-loop": "loop of `pulumi`",
    "ansible": "Ansible playbook",
    "lists": "the list calls alone",
}
#: Colours that stay apart for people who see red and green alike (Okabe and Ito).
COLOURS: Final = {
    "kraj-local": "#0072B2",
    "kraj-pulumi": "#56B4E9",
    "pulumi-loop": "#E69F00",
    "ansible": "#D55E00",
    "lists": "#999999",
}
Medians = Mapping[tuple[int, str, str], float]


def main() -> None:
    """Write both."""
    document = json.loads(Path(sys.argv[1]).read_text())
    medians = _medians(document["laps"])
    sizes = sorted({size for size, _, _ in medians})
    text = README.read_text()
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    table = "\n".join(_table(document, medians, sizes))
    README.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}")
    _plot(document["actions"], medians, sizes)


def _medians(laps: Sequence[Mapping[str, Any]]) -> Medians:
    seconds: dict[tuple[int, str, str], list[float]] = {}
    for lap in laps:
        key = (lap["tenants"], lap["action"], lap["way"])
        seconds.setdefault(key, []).append(lap["seconds"])
    return {key: statistics.median(values) for key, values in seconds.items()}


def _ways(medians: Medians) -> list[str]:
    return [way for way in TITLES if any(way == found for _, _, found in medians)]


def _table(document: Mapping[str, Any], medians: Medians, sizes: Sequence[int]) -> Iterator[str]:
    ways = _ways(medians)
    yield f"| tenants | action | {' | '.join(TITLES[way] for way in ways)} |"
    yield f"| ---: | --- |{' ---: |' * len(ways)}"
    for size in sizes:
        for action in document["actions"]:
            cells = [medians.get((size, action, way)) for way in ways]
            shown = ["" if cell is None else f"{cell:.1f}" for cell in cells]
            if any(shown):
                yield f"| {size} | {action} | {' | '.join(shown)} |"
    rounds = max(lap["round"] for lap in document["laps"])
    machine = document["machine"]
    yield ""
    yield (
        f"Seconds, medians of {rounds} round{'s' if rounds > 1 else ''}. {machine['system']}, "
        f"{machine['cores']} cores, Python {machine['python']}, Pulumi {machine['pulumi']}, "
        f"ansible-core {machine['ansible-core']}, openstacksdk {machine['openstacksdk']}."
    )


def _plot(actions: Sequence[str], medians: Medians, sizes: Sequence[int]) -> None:
    mpl.rcParams.update({"svg.hashsalt": "kraj", "svg.fonttype": "none", "font.size": 9})
    ways = _ways(medians)
    figure, panes = pyplot.subplots(
        1,
        len(sizes),
        figsize=(3.6 * len(sizes) + 1, 3.6),
        squeeze=False,
        sharey=True,
        layout="constrained",
    )
    for pane, size in zip(panes[0], sizes, strict=True):
        for at, way in enumerate(ways):
            found = {
                number: medians[size, action, way]
                for number, action in enumerate(actions)
                if (size, action, way) in medians
            }
            places = [number + (at - len(ways) / 2 + 0.5) * 0.16 for number in found]
            title = TITLES[way].replace("`", "")
            pane.bar(places, list(found.values()), 0.16, label=title, color=COLOURS[way])
        pane.set_yscale("log")
        pane.set_xticks(range(len(actions)), actions, rotation=30, ha="right")
        pane.set_title(f"{size} tenant{'s' if size > 1 else ''}")
        pane.grid(axis="y", alpha=0.3)
    panes[0][0].set_ylabel("seconds")
    panes[0][0].yaxis.set_major_formatter("{x:,g}")
    figure.legend(*panes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    figure.savefig(PLOT, metadata={"Date": None})


if __name__ == "__main__":
    main()
