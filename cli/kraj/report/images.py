"""Images as text."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from kraj.report.documents.images import (
    ImageDiffDocument,
    ImageEntry,
    ImageShowDocument,
    ImageSignature,
    ImageStep,
    ImageTestDocument,
    ImageUser,
    KnownWeakness,
)
from kraj.report.output import minute_of, plain_table

_MARKS = {"passed": "[green]✓[/]", "failed": "[red]✗[/]", "skipped": "[yellow]·[/]"}


def print_images(images: Sequence[ImageEntry], console: Console) -> None:
    """A row per version, whose name begins with its day; narrow enough for 80 columns."""
    if not images:
        console.print("No images yet: build one with `kraj image build`.")
        return
    table = plain_table("image", "version", "tested")
    for name in ("root MiB", "disk MiB", "packages", "seconds"):
        table.add_column(name, justify="right")
    for item in images:
        sizes = {file.format: str(file.size_mib) for file in item.files}
        table.add_row(
            escape(item.image),
            item.version,
            item.tested,
            sizes.get("root", "·"),
            sizes.get("disk", "·"),
            str(item.package_count),
            f"{item.seconds:.0f}",
        )
    console.print(table)


def print_image(shown: ImageShowDocument, console: Console) -> None:
    """Where it came from, what it is made of, where its files are."""
    item = shown.image
    rows = [
        ("image", f"{item.image}@{item.version}"),
        ("system", f"Debian {item.os_version}"),
        *((f"archive {suite}", minute_of(moment)) for suite, moment in item.snapshot.items()),
        ("roles", ", ".join(item.roles) or "none"),
        ("built", f"{minute_of(item.made)} in {item.seconds:.0f} s, {_layers(item)}"),
        ("files", f"{item.file_count}, {item.tree_mib} MiB, list sha256:{item.tree_digest[:16]}…"),
        ("tested", item.tested),
        *((file.format, f"{file.path} ({file.size_mib} MiB)") for file in item.files),
        ("packages", str(item.package_count)),
    ]
    for name, value in rows:
        console.print(f"{name:<26}{escape(value)}", soft_wrap=True)


def _layers(item: ImageEntry) -> str:
    return ", ".join(
        f"{name} {'cached' if name in item.cached else f'{seconds:.0f} s'}"
        for name, seconds in item.seconds_by_layer.items()
    )


def print_trial(done: ImageTestDocument, console: Console) -> None:
    """A line per check."""
    for check in done.checks:
        words = f": {escape(check.message)}" if check.message else ""
        console.print(f"{_MARKS[check.result]} {check.name}{words}", soft_wrap=True)
    verdict = "[green]passed[/]" if done.passed else "[red]failed[/]"
    console.print(f"{done.image}@{done.version} {verdict} in {done.seconds:.0f} s")


def print_difference(found: ImageDiffDocument, console: Console) -> None:
    """Changed packages, then weaknesses where tracker data was given."""
    if not found.changes:
        console.print("The same packages in the same versions.")
    table = plain_table("package", "change", "old", "new")
    for change in found.changes:
        table.add_row(escape(change.name), change.change, change.old or "·", change.new or "·")
    if found.changes:
        console.print(table)
    if not found.tracker:
        return
    for words, items in (
        ("fixed", found.fixed),
        ("introduced", found.introduced),
        ("open in both", found.open),
    ):
        console.print(f"{words}: {_weaknesses(items)}", soft_wrap=True)


def _weaknesses(items: Sequence[KnownWeakness]) -> str:
    by_source: dict[str, list[str]] = {}
    for item in items:
        by_source.setdefault(item.source, []).append(item.cve)
    told = (f"{source} ({', '.join(ids)})" for source, ids in sorted(by_source.items()))
    return "; ".join(told) or "none"


def print_steps(steps: Sequence[ImageStep], console: Console) -> None:
    """What becomes of each image in the cloud."""
    if not steps:
        console.print("No image of kraj is in the cloud.")
        return
    table = plain_table("image", "version", "stage", "why")
    for step in steps:
        stage = step.after if step.before == step.after else f"{step.before} → {step.after}"
        table.add_row(escape(step.image), step.version, stage, escape(step.reason))
    console.print(table)


def print_users(users: Sequence[ImageUser], console: Console) -> None:
    """Who has to move to a newer image, and why."""
    if not users:
        console.print("Nobody runs an image whose support is over or near its end.")
        return
    table = plain_table("project", "what", "name", "image", "why")
    for user in users:
        image = f"{user.image}@{user.version}"
        table.add_row(
            escape(user.project), user.kind, escape(user.name or user.id), image, user.reason
        )
    console.print(table)


def print_signatures(images: Sequence[ImageSignature], console: Console) -> None:
    """Each image of the cloud, and what its signature is worth."""
    if not images:
        console.print("The cloud has no image of kraj's.")
        return
    table = plain_table("image", "version", "id", "signature")
    for item in images:
        verdict = (
            "[green]good[/]" if item.good else "[red]wrong[/]" if item.signed else "[red]none[/]"
        )
        table.add_row(escape(item.image), escape(item.version), item.id, verdict)
    console.print(table)
