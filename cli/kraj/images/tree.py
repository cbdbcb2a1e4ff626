"""The lowest layer: Debian's packages as a file system tree, made by mmdebstrap.

Made twice from the same state of the archive it is the same tree, bit for bit: mmdebstrap and the
packages' scripts take the archive's date from SOURCE_DATE_EPOCH.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from kraj.errors import KrajError
from kraj.images.archive import Mirror, snapshot_of_lists
from kraj.images.errors import ARCHIVE_MOVED
from kraj.images.recipe import Recipe
from kraj.images.tools import run

#: Files that are the same in every image.
_FILES: Final = {
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n",
    "etc/cloud/cloud.cfg.d/50-kraj.cfg": (
        "locale: C.UTF-8\nmanage_etc_hosts: localhost\napt_preserve_sources_list: true\n"
    ),
}


def make_debian_tree(recipe: Recipe, mirror: Mirror, tree: Path) -> None:
    """Install the recipe's packages into a new folder. Raises KRJ804, KRJ805."""
    command = [
        "/usr/bin/mmdebstrap", "--quiet", "--mode=root", "--variant=minbase",
        # The lists say which state of the archive it was; sealing takes them out.
        "--skip=cleanup/apt/lists",
        f"--include={','.join(recipe.packages)}",
        recipe.release.codename, str(tree), *mirror.sources(recipe.release),
    ]  # fmt: skip
    run(command, {"SOURCE_DATE_EPOCH": str(recipe.snapshot.epoch)})
    check_snapshot(recipe, tree)
    for name, text in _FILES.items():
        (tree / name).write_text(text, encoding="utf-8")


def check_snapshot(recipe: Recipe, tree: Path) -> None:
    """Raise KRJ804 where apt saw another state of the archive than the recipe is made of."""
    seen = snapshot_of_lists(tree, recipe.release)
    if seen != recipe.snapshot:
        raise KrajError(
            ARCHIVE_MOVED,
            f"the archive is of {seen.date:%Y-%m-%d %H:%M} now, the build began with "
            f"{recipe.snapshot.date:%Y-%m-%d %H:%M}",
        )
