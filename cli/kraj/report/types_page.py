"""Reference page of the OpenStack types, made from the table: `docs/openstack-types.md`.

Written anew with `python -m kraj.report.types_page > docs/openstack-types.md`; a test holds the
page to the table.
"""

from __future__ import annotations

import csv
from importlib import resources

from kraj.openstack.errors import UNKNOWN_TYPE
from kraj.openstack.semantics import Rule, table
from kraj.openstack.types import supported_types

_HEAD = """# OpenStack types, property by property

Made by `python -m kraj.report.types_page`. {origin}, put in comparison with kraj's own provider:
*change*, *add*, *remove* and *reorder* are what the plugin's Diff answers when that happens to
the property alone, in an object that has nothing else but what is required. Differences are put
under each type, with what explains them: by kind of property, not looked up one by one. An object
as Pulumi has made it has more values (defaults first of all), with which some of them vanish.
"""


def differences() -> list[dict[str, str]]:
    """Every pair to which kraj's provider answers otherwise than the plugin, and why."""
    source = resources.files("kraj.openstack") / "semantics_differences.csv"
    return list(csv.DictReader(source.read_text("utf-8").splitlines()))


def types_page() -> str:
    """The page, as Markdown."""
    origin, rules = table()
    ours = supported_types()
    parts = [_HEAD.format(origin=origin)]
    for token in ours:
        parts.append(f"## `{token}`\n")
        parts.append("| property | holds | is | change | add | remove | reorder |")
        parts.append("| --- | --- | --- | --- | --- | --- | --- |")
        parts += [_row(rule) for rule in rules[token]]
        parts.append("")
        different = [found for found in differences() if found["token"] == token]
        parts += [_difference(found) for found in different]
        parts += [""] if different else []
    parts.append("## Types that only the engine `pulumi` has\n")
    parts.append(f"The engine `local` refuses them with {UNKNOWN_TYPE.code}.\n")
    parts += [f"- `{token}`" for token in rules if token not in ours]
    return "\n".join(parts) + "\n"


def _row(rule: Rule) -> str:
    marks = ("required", "computed", "secret", "deprecated")
    said = [mark for mark in marks if getattr(rule, mark)]
    if not rule.settable:
        said.append("output only")
    answers = (rule.change, rule.add, rule.remove, rule.reorder)
    cells = (f"`{rule.path}`", rule.kind, ", ".join(said), *answers)
    return f"| {' | '.join(cells)} |"


def _difference(found: dict[str, str]) -> str:
    return (
        f"- `{found['path']}`, {found['case']}: kraj says {found['ours']}, the plugin "
        f"{found['plugin']}: {found['reason']}."
    )


if __name__ == "__main__":
    print(types_page(), end="")
