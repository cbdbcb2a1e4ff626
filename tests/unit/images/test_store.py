"""The folder of images on a disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from kraj.errors import KrajError
from kraj.images.store import ImageStore


def test_two_builds_in_a_folder_at_once_are_refused(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    with store.in_use(), pytest.raises(KrajError) as caught, store.in_use():
        pass
    assert caught.value.code.code == "KRJ808"


def test_podman_begins_anew_only_where_the_folder_was_moved(tmp_path: Path) -> None:
    """Its database names its own place, and podman refuses to run in another one."""
    store = ImageStore(tmp_path / "images")
    with store.in_use():
        (store.podman / "database").write_text("here", encoding="utf-8")
    with store.in_use():
        assert (store.podman / "database").is_file()
    moved = ImageStore(store.root.rename(tmp_path / "elsewhere"))
    with moved.in_use():
        assert not (moved.podman / "database").exists()
