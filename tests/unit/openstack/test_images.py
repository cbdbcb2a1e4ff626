"""Rules of images, and where their bytes come from."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import threading
from pathlib import Path

import pytest

from kraj.errors import KrajError
from kraj.openstack.image_files import FileBody, fetched

IMAGE = "openstack:images/image:Image"
ACCESS = "openstack:images/imageAccess:ImageAccess"
GIVEN = {
    "name": "debian",
    "diskFormat": "qcow2",
    "containerFormat": "bare",
    "localFilePath": "debian.qcow2",
}
OLDS = {
    **GIVEN,
    "visibility": "private",
    "properties": {"os_distro": "debian", "os_hash_algo": "sha512", "stores": "file"},
}


def test_properties_that_glance_sets_are_no_difference(rules_of):
    image = rules_of(IMAGE)
    assert not image.diff(OLDS, {**GIVEN, "properties": {"os_distro": "debian"}}).changes
    assert not image.diff(OLDS, GIVEN).changes
    assert image.updates(OLDS, **GIVEN, properties={"os_distro": "ubuntu"}) == {"properties"}
    assert image.updates(OLDS, **GIVEN, properties={}) == {"properties"}


def test_the_place_of_the_cache_is_no_difference(rules_of):
    olds = {**OLDS, "imageCachePath": "/somewhere/else"}
    assert not rules_of(IMAGE).diff(olds, GIVEN).changes


def test_another_file_or_format_is_another_image(rules_of):
    image = rules_of(IMAGE)
    assert image.replaces(OLDS, **GIVEN | {"localFilePath": "other"}) == {"localFilePath"}
    assert image.replaces(OLDS, **GIVEN | {"diskFormat": "raw"}) == {"diskFormat"}
    assert image.updates(OLDS, **GIVEN, visibility="public", minDiskGb=2) == {
        "visibility",
        "minDiskGb",
    }


def test_an_image_comes_from_one_place(rules_of):
    formats = {"diskFormat": "raw", "containerFormat": "bare"}
    assert "localFilePath" in rules_of(IMAGE).failures(**formats)
    both = rules_of(IMAGE).failures(**formats, localFilePath="a", imageSourceUrl="http://b")
    assert set(both) == {"localFilePath", "imageSourceUrl"}
    checked = rules_of(IMAGE).failures(
        **formats, imageSourceUrl="http://b", webDownload=True, verifyChecksum=True
    )
    assert set(checked) == {"webDownload", "verifyChecksum"}


def test_a_share_is_accepted_in_place(rules_of):
    olds = {"imageId": "i", "memberId": "p", "status": "pending"}
    share = rules_of(ACCESS)
    assert share.updates(olds, imageId="i", memberId="p", status="accepted") == {"status"}
    assert share.replaces(olds, imageId="i", memberId="q") == {"memberId"}


def test_a_file_is_read_from_the_start_by_each_attempt(tmp_path):
    path = tmp_path / "disk"
    path.write_bytes(b"x" * 3_000_000)
    body = FileBody(path)
    assert len(body) == 3_000_000
    assert b"".join(body) == b"".join(body) == path.read_bytes()
    assert body.md5() == hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(KrajError, match=r"KRJ408 image file '.*nothing': No such file"):
        FileBody(tmp_path / "nothing")


@pytest.fixture
def server(tmp_path):
    """An HTTP server of a folder, with the number of requests it has answered."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        seen = 0

        def __init__(self, *args, **kwargs):
            super().__init__(*args, directory=str(tmp_path), **kwargs)

        def do_GET(self):
            type(self).seen += 1
            super().do_GET()

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        running.handler = Handler
        running.url = f"http://127.0.0.1:{running.server_address[1]}"
        yield running
        running.shutdown()


def test_a_file_is_fetched_once(tmp_path, server):
    (tmp_path / "disk.img").write_bytes(b"disk")
    cache = tmp_path / "cache"
    first = fetched(f"{server.url}/disk.img", cache)
    assert first.read_bytes() == b"disk"
    assert fetched(f"{server.url}/disk.img", cache) == first
    assert server.handler.seen == 1
    assert [path.name for path in cache.iterdir()] == [first.name]


def test_a_compressed_file_is_unpacked(tmp_path, server):
    (tmp_path / "disk.gz").write_bytes(gzip.compress(b"disk"))
    path = fetched(f"{server.url}/disk.gz", tmp_path / "cache", decompress=True)
    assert path.read_bytes() == b"disk"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [("absent.gz", None, "KRJ401"), ("plain.img", b"x", "KRJ408"), ("bad.gz", b"x", "KRJ408")],
)
def test_what_cannot_be_fetched_leaves_nothing_behind(tmp_path, server, name, content, code):
    if content:
        (tmp_path / name).write_bytes(content)
    cache = tmp_path / "cache"
    with pytest.raises(KrajError, match=code):
        fetched(f"{server.url}/{name}", cache, decompress=True)
    assert list(Path(cache).iterdir()) == []
