"""Builds the layers of an image, from the lowest that is not there yet."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kraj.events import Event, EventKind, Reporter
from kraj.images.ansible import build_environment, install_role
from kraj.images.archive import Mirror, read_snapshot
from kraj.images.machine import Machine
from kraj.images.recipe import BOOKWORM, Layer, Recipe
from kraj.images.roles import applied_roles, digest_of_role
from kraj.images.sealing import seal
from kraj.images.store import ImageStore, copy_tree
from kraj.images.tools import check_machine
from kraj.images.tree import check_snapshot, make_debian_tree

#: Modules that decide what is in a tree: a change of one of them makes all layers anew.
_BUILDERS: Final = ("ansible", "building", "machine", "sealing", "tree")


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the roles are, and the playbook that installs one."""

    roles: Path
    playbook: Path


@dataclass(frozen=True, slots=True)
class Built:
    """A finished pile of layers."""

    recipe: Recipe
    tree: Path  #: of the highest layer; nobody may write to it
    seconds: float  #: that this build took
    seconds_by_layer: Mapping[str, float]  #: layer → how long it took when it was made
    cached: tuple[str, ...]  #: layers that were there already


def recipe_of(image: str, sources: Sources, mirror: Mirror) -> Recipe:
    """What the image would be made of now. Raises KRJ801, KRJ802, KRJ803."""
    roles = applied_roles(sources.roles, image)
    playbook = hashlib.sha256(sources.playbook.read_bytes()).hexdigest()
    digests = {role: f"{digest_of_role(sources.roles, role)}.{playbook}" for role in roles}
    return Recipe(image, builder_version(), read_snapshot(mirror, BOOKWORM), digests)


def builder_version() -> str:
    """Digest of the code that makes trees."""
    digest = hashlib.sha256()
    for name in _BUILDERS:
        digest.update((Path(__file__).parent / f"{name}.py").read_bytes())
    return digest.hexdigest()


def build_layers(
    image: str, sources: Sources, store: ImageStore, mirror: Mirror, report: Reporter
) -> Built:
    """Make the layers that are not there yet; the caller has the store in use.

    Raises KRJ800 to KRJ807.
    """
    check_machine()
    began = time.monotonic()
    recipe = recipe_of(image, sources, mirror)
    cached: list[str] = []
    seconds: dict[str, float] = {}
    below: Path | None = None
    for layer in recipe.layers:
        tree = store.layer(layer.digest)
        if tree is None:
            _tell(report, image, f"making the layer {layer.name}")
            tree = _make(layer, below, recipe, sources, store, mirror, report)
        else:
            cached.append(layer.name)
        seconds[layer.name] = store.about_layer(layer.digest)["seconds"]
        below = tree
    assert below is not None  # noqa: S101 - a recipe has a layer
    return Built(recipe, below, time.monotonic() - began, seconds, tuple(cached))


def _make(
    layer: Layer,
    below: Path | None,
    recipe: Recipe,
    sources: Sources,
    store: ImageStore,
    mirror: Mirror,
    report: Reporter,
) -> Path:
    began = time.monotonic()
    work = store.new_work(f"layer-{layer.name}")
    tree = work / "tree"
    if below is None or layer.role is None:
        make_debian_tree(recipe, mirror, tree)
    else:
        copy_tree(below, tree)
        _apply_role(layer.role, tree, work, recipe, sources, store, report)
    seal(tree, recipe.snapshot.epoch)
    about = {
        "layer": layer.name,
        "digest": layer.digest,
        "snapshot": recipe.snapshot.as_dict(),
        "seconds": round(time.monotonic() - began, 1),
    }
    return store.keep_layer(layer.digest, work, about)


def _apply_role(
    role: str,
    tree: Path,
    work: Path,
    recipe: Recipe,
    sources: Sources,
    store: ImageStore,
    report: Reporter,
) -> None:
    lent, run = work / "lent", work / "ansible"
    lent.mkdir()
    run.mkdir()
    with Machine(f"kraj-build-{role}", tree, store.podman, lent) as machine:
        install_role(
            machine,
            recipe.image,
            role,
            roles=sources.roles,
            playbook=sources.playbook,
            folder=run,
            environment=build_environment(recipe.snapshot.epoch),
            report=report,
        )
        check_snapshot(recipe, tree)


def _tell(report: Reporter, image: str, message: str) -> None:
    report(Event(EventKind.PROGRESS, "image build", image, message=message))
