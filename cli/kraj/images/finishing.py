"""Makes a version of an image out of its layers: files to boot from, list, bill, manifest.

A version is named by the archive's date and by its inputs, so that the same inputs are the same
version, on whichever machine and day it is built.
"""

from __future__ import annotations

import gzip
import hashlib
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from kraj.events import Event, EventKind, Reporter
from kraj.images import disk
from kraj.images.ansible import build_environment
from kraj.images.archive import Mirror
from kraj.images.building import Built, Sources, build_layers, recipe_of
from kraj.images.contents import packages_of
from kraj.images.listing import digest_of_listing, listing
from kraj.images.machine import Machine
from kraj.images.manifest import Format, Manifest, Output
from kraj.images.outputs import write_root
from kraj.images.recipe import Recipe, digest_of
from kraj.images.roles import applied_roles
from kraj.images.sealing import seal
from kraj.images.store import ImageStore, copy_tree
from kraj.images.tools import check_machine

LIST_FILE: Final = "files.txt.gz"
BILL_FILE: Final = "sbom.cdx.json"
_VERSION_DIGITS: Final = 8


@dataclass(frozen=True, slots=True)
class Version:
    """What a build came to."""

    manifest: Manifest
    built: bool  #: false where the version was there already
    seconds: float


def version_of(recipe: Recipe) -> str:
    """Date of the archive and the beginning of the digest of all inputs."""
    return f"{recipe.snapshot.date:%Y%m%d}-{recipe.digest[:_VERSION_DIGITS]}"


def build_version(
    image: str,
    formats: Collection[Format],
    sources: Sources,
    store: ImageStore,
    report: Reporter,
    *,
    mirror: Mirror | None = None,
    fresh: bool = False,
) -> Version:
    """Build an image, unless this version of it is there in these formats. Raises KRJ800 to 808.

    With `fresh` everything is made anew.
    """
    applied_roles(sources.roles, image)  # a wrong name is told before what the machine lacks
    check_machine(disk.PROGRAMS if "disk" in formats else None)
    began = time.monotonic()
    mirror = mirror or Mirror.of_environment()
    with store.in_use():
        report(Event(EventKind.STARTED, "image build", image))
        version = version_of(recipe_of(image, sources, mirror))
        kept = [m for m in store.versions(image) if m.version == version]
        if kept and set(formats) <= set(kept[0].outputs) and not fresh:
            found, made = kept[0], False
        else:
            built = build_layers(image, sources, store, mirror, report, fresh=fresh)
            found, made = _Finishing(built, store, report).version(formats, began), True
        seconds = round(time.monotonic() - began, 1)
        words = f"{found.version} {'built' if made else 'is there already'}"
        report(Event(EventKind.DONE, "image build", image, message=words, seconds=seconds))
    return Version(found, made, seconds)


@dataclass(frozen=True)
class _Finishing:
    built: Built
    store: ImageStore
    report: Reporter

    def version(self, formats: Collection[Format], began: float) -> Manifest:
        # Loads CycloneDX's whole model, which no other command needs.
        from kraj.images.bill import bill_of_materials  # noqa: PLC0415

        recipe, tree = self.built.recipe, self.built.tree
        version = version_of(recipe)
        work = self.store.new_work("version")
        # Both read the finished tree: the one waits for the disk while the other computes digests.
        with ThreadPoolExecutor(max_workers=1) as beside:
            writing = beside.submit(self._outputs, formats, work)
            lines = list(listing(tree))
            outputs = writing.result()
        digest = digest_of_listing(iter(lines))
        text = "".join(f"{line}\n" for line in lines).encode(errors="surrogateescape")
        (work / LIST_FILE).write_bytes(gzip.compress(text, mtime=0))
        packages = packages_of(tree)
        bill = bill_of_materials(
            recipe.image, version, digest, recipe.snapshot.date, recipe.release.version, packages
        )
        (work / BILL_FILE).write_text(bill, encoding="utf-8")
        manifest = Manifest(
            image=recipe.image,
            version=version,
            digest=recipe.digest,
            release=recipe.release.codename,
            os_version=recipe.release.version,
            snapshot=recipe.snapshot.as_dict(),
            roles=tuple(recipe.roles),
            made=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - began, 1),
            seconds_by_layer=dict(self.built.seconds_by_layer),
            cached=self.built.cached,
            tree_digest=digest,
            file_count=len(lines),
            tree_mib=sum(path.lstat().st_size for path in tree.rglob("*")) >> 20,
            outputs=outputs,
            packages=packages,
        )
        self.store.keep_version(manifest, work)
        return manifest

    def _outputs(self, formats: Collection[Format], work: Path) -> dict[Format, Output]:
        recipe = self.built.recipe
        made: dict[Format, Output] = {}
        if "root" in formats:
            self._tell("writing the root file system")
            made["root"] = write_root(self.built.tree, recipe.digest, recipe.snapshot.epoch, work)
        if "disk" in formats:
            self._tell("installing the kernel")
            tree = self._bootable_tree()
            self._tell("writing the bootable disk")
            made["disk"] = disk.write_disk(tree, recipe.digest, recipe.snapshot.epoch, work)
        return made

    def _bootable_tree(self) -> Path:
        """The tree with kernel and boot loader, kept as a layer too."""
        recipe = self.built.recipe
        code = hashlib.sha256(Path(disk.__file__).read_bytes()).hexdigest()
        digest = digest_of({"below": recipe.digest, "code": code})
        kept = self.store.layer(digest)
        if kept is not None:
            return kept
        began = time.monotonic()
        work = self.store.new_work("layer-kernel")
        tree = work / "tree"
        copy_tree(self.built.tree, tree)
        with Machine.for_build("kraj-build-kernel", tree, work, self.store) as machine:
            disk.make_bootable(machine, build_environment(recipe.snapshot.epoch))
        seal(tree, recipe.snapshot.epoch)
        disk.prepare_boot_files(tree)
        about = {
            "layer": "kernel",
            "digest": digest,
            "snapshot": recipe.snapshot.as_dict(),
            "seconds": round(time.monotonic() - began, 1),
        }
        return self.store.keep_layer(digest, work, about)

    def _tell(self, message: str) -> None:
        image = self.built.recipe.image
        self.report(Event(EventKind.PROGRESS, "image build", image, message=message))
