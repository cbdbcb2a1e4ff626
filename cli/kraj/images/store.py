"""The folder of images: layers that are kept between builds, work in progress, what was built.

layers/<digest>/tree    a file system tree; complete, because it is moved there in one step
work/                   what a build makes; emptied by the next one
podman/                 containers of builds, apart from those of the machine's users
built/<image>/<version>/  what `kraj image build` leaves
signing.pem             key and certificate by which images are signed
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kraj.errors import KrajError
from kraj.files import write_atomically
from kraj.images.errors import BUSY, UNKNOWN_IMAGE
from kraj.images.manifest import Manifest
from kraj.images.tools import run
from kraj.model.problems import did_you_mean

_LAYER_FILE: Final = "layer.json"
_MANIFEST: Final = "manifest.json"
_PLACE: Final = "place"


@dataclass(frozen=True, slots=True)
class ImageStore:
    """The folder and its parts."""

    root: Path

    @property
    def layers(self) -> Path:
        return self.root / "layers"

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def podman(self) -> Path:
        return self.root / "podman"

    @property
    def built(self) -> Path:
        return self.root / "built"

    @property
    def signing(self) -> Path:
        """Key and certificate by which images are signed."""
        return self.root / "signing.pem"

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep others from building or deleting here meanwhile. Raises KRJ808."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.root / ".lock").open("w", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise KrajError(BUSY, f"another kraj is at work in {self.root}") from error
            self._begin_podman_anew_where_moved()
            yield

    def _begin_podman_anew_where_moved(self) -> None:
        """Podman's files name their own place; in a folder that was moved it refuses to run."""
        note, here = self.podman / _PLACE, str(self.root)
        if note.is_file() and note.read_text(encoding="utf-8") == here:
            return
        shutil.rmtree(self.podman, ignore_errors=True)
        self.podman.mkdir(mode=0o700)
        write_atomically(note, here)

    def layer(self, digest: str) -> Path | None:
        """The tree of a layer that was made before."""
        folder = self.layers / digest
        return folder / "tree" if (folder / _LAYER_FILE).is_file() else None

    def about_layer(self, digest: str) -> dict[str, Any]:
        """What was kept beside a layer."""
        text = (self.layers / digest / _LAYER_FILE).read_text(encoding="utf-8")
        return dict(json.loads(text))

    def versions(self, image: str | None = None) -> list[Manifest]:
        """What has been built, of one image or of all, the oldest first."""
        found = [
            Manifest.model_validate_json(path.read_bytes())
            for path in self.built.glob(f"{image or '*'}/*/{_MANIFEST}")
        ]
        return sorted(found, key=lambda manifest: (manifest.image, manifest.made))

    def find(self, wanted: str) -> Manifest:
        """`IMAGE` is the newest version of it, `IMAGE@VERSION` that one. Raises KRJ801."""
        image, _at, version = wanted.partition("@")
        known = self.versions(image) if image else []
        matching = [manifest for manifest in known if version in ("", manifest.version)]
        if not matching:
            names = {manifest.image for manifest in self.versions()}
            near = [f"{image}@{m.version}" for m in known] or sorted(names)
            raise KrajError(
                UNKNOWN_IMAGE,
                f"{wanted!r} has not been built{did_you_mean(wanted, near)}",
                hint="Build it with `kraj image build`; `kraj image list` shows what there is.",
            )
        return matching[-1]

    def folder(self, manifest: Manifest) -> Path:
        """Where the files of a version are."""
        return self.built / manifest.image / manifest.version

    def keep_version(self, manifest: Manifest, work: Path) -> None:
        """Move a folder with all files of a version to its place; replaces an older build of it."""
        write_atomically(work / _MANIFEST, manifest.model_dump_json(indent=1) + "\n")
        target = self.folder(manifest)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        work.rename(target)

    def rewrite(self, manifest: Manifest) -> None:
        """Keep a changed manifest."""
        path = self.folder(manifest) / _MANIFEST
        write_atomically(path, manifest.model_dump_json(indent=1) + "\n")

    def new_work(self, name: str) -> Path:
        """An empty folder for work in progress."""
        folder = self.work / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def keep_layer(self, digest: str, work: Path, about: dict[str, Any]) -> Path:
        """Move a folder with a finished `tree` to the layers."""
        write_atomically(work / _LAYER_FILE, json.dumps(about, indent=2, sort_keys=True) + "\n")
        target = self.layers / digest
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        work.rename(target)
        return target / "tree"


def copy_tree(source: Path, target: Path) -> None:
    """A copy with owners, modes, links and times; shares blocks where the file system can."""
    run(["/bin/cp", "-a", "--reflink=auto", str(source), str(target)])
