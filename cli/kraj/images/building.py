"""Builds the layers of an image, from the lowest that is not there yet."""

from __future__ import annotations

import hashlib
import shutil
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
from kraj.images.roles import applied_roles, digest_of_programs, digest_of_role
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
    programs = {
        role: f"{digest}.{playbook}"
        for role in roles
        if (digest := digest_of_programs(sources.roles, role))
    }
    return Recipe(image, builder_version(), read_snapshot(mirror, BOOKWORM), digests, programs)


def builder_version() -> str:
    """Digest of the code that makes trees."""
    digest = hashlib.sha256()
    for name in _BUILDERS:
        digest.update((Path(__file__).parent / f"{name}.py").read_bytes())
    return digest.hexdigest()


def build_layers(
    image: str,
    sources: Sources,
    store: ImageStore,
    mirror: Mirror,
    report: Reporter,
    *,
    fresh: bool = False,
) -> Built:
    """Make the layers that are not there yet, with `fresh` all; the caller has the store in use.

    Raises KRJ800 to KRJ807.
    """
    check_machine()
    build = _Build(recipe_of(image, sources, mirror), sources, store, mirror, report)
    return build.all_layers(fresh)


@dataclass(frozen=True)
class _Build:
    """One run, with what all its steps need."""

    recipe: Recipe
    sources: Sources
    store: ImageStore
    mirror: Mirror
    report: Reporter

    def all_layers(self, fresh: bool) -> Built:
        began = time.monotonic()
        cached: list[str] = []
        seconds: dict[str, float] = {}
        tree: Path | None = None
        for layer in self.recipe.layers:
            kept = None if fresh else self.store.layer(layer.digest)
            if kept is None:
                self._tell(f"making the layer {layer.name}")
                kept = self._make(layer, tree)
            else:
                cached.append(layer.name)
            seconds[layer.name] = self.store.about_layer(layer.digest)["seconds"]
            tree = kept
        assert tree is not None  # noqa: S101 - a recipe has a layer
        return Built(self.recipe, tree, time.monotonic() - began, seconds, tuple(cached))

    def _make(self, layer: Layer, below: Path | None) -> Path:
        began = time.monotonic()
        work = self.store.new_work(f"layer-{layer.name.replace(' ', '-')}")
        tree = work / "tree"
        if below is None or layer.role is None:
            make_debian_tree(self.recipe, self.mirror, tree)
        else:
            copy_tree(below, tree)
            self._apply(layer.role, layer.tasks, tree, work)
        seal(tree, self.recipe.snapshot.epoch)
        about = {
            "layer": layer.name,
            "digest": layer.digest,
            "snapshot": self.recipe.snapshot.as_dict(),
            "seconds": round(time.monotonic() - began, 1),
        }
        return self.store.keep_layer(layer.digest, work, about)

    def _apply(self, role: str, tasks: str, tree: Path, work: Path) -> None:
        run = work / "ansible"
        run.mkdir()
        with Machine.for_build(f"kraj-build-{role}", tree, work, self.store) as machine:
            install_role(
                machine,
                self.recipe.image,
                role,
                tasks=tasks,
                roles=self.sources.roles,
                playbook=self.sources.playbook,
                folder=run,
                environment=build_environment(self.recipe.snapshot.epoch),
                report=self.report,
            )
            check_snapshot(self.recipe, tree)
        shutil.rmtree(run)

    def _tell(self, message: str) -> None:
        self.report(Event(EventKind.PROGRESS, "image build", self.recipe.image, message=message))
