"""What every bucket promises, on a real place of each kind."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
import pytest

from kraj.engine.local.buckets.base import ABSENT, Bucket
from kraj.engine.local.buckets.places import open_bucket
from kraj.errors import KrajError
from tests.backends.conftest import Place
from tests.backends.servers import Server

WRITERS = 8
KEY = ".pulumi/stacks/kraj-tenant/liberecky.t563889.json"
BIG = 5 * 1024 * 1024


def code(work: Callable[[], object]) -> str:
    """The error that a piece of work ends in; empty without one."""
    try:
        work()
    except KrajError as error:
        return error.code.code
    return ""


def test_a_blob_is_read_as_it_was_written(bucket: Bucket) -> None:
    assert bucket.read(KEY) is None
    tag = bucket.write(KEY, "Železný Brod \0 €".encode())
    blob = bucket.read(KEY)
    assert blob is not None
    assert (blob.data.decode(), blob.tag) == ("Železný Brod \0 €", tag)
    other = bucket.write(KEY, b"")
    assert other != tag
    again = bucket.read(KEY)
    assert again is not None
    assert (again.data, again.tag) == (b"", other)


def test_a_big_blob_is_whole(bucket: Bucket) -> None:
    data = os.urandom(BIG)
    tag = bucket.write(KEY, data, expect=ABSENT)
    changed = data[::-1]
    bucket.write(KEY, changed, expect=tag)
    blob = bucket.read(KEY)
    assert blob is not None
    assert blob.data == changed


def test_a_write_that_expects_something_else_changes_nothing(bucket: Bucket) -> None:
    tag = bucket.write(KEY, b"first", expect=ABSENT)
    assert code(lambda: bucket.write(KEY, b"second", expect=ABSENT)) == "KRJ318"
    newer = bucket.write(KEY, b"second", expect=tag)
    assert code(lambda: bucket.write(KEY, b"third", expect=tag)) == "KRJ318"
    blob = bucket.read(KEY)
    assert blob is not None
    assert (blob.data, blob.tag) == (b"second", newer)
    bucket.delete(KEY)
    assert code(lambda: bucket.write(KEY, b"third", expect=newer)) == "KRJ318"
    assert bucket.read(KEY) is None


def test_a_write_that_has_been_done_already_is_no_conflict(bucket: Bucket) -> None:
    tag = bucket.write(KEY, b"mine", expect=ABSENT)
    assert bucket.write(KEY, b"mine", expect=ABSENT) == tag
    assert bucket.write(KEY, b"mine", expect="another") == tag


@pytest.mark.parametrize("existing", [False, True])
def test_of_writers_that_expect_the_same_exactly_one_wins(place: Place, existing: bool) -> None:
    first = place.open()
    buckets = [place.open() for _ in range(WRITERS)]
    start = threading.Barrier(WRITERS, timeout=60)

    def write(number: int, expected: str) -> str:
        data = f"by {number}".encode()
        start.wait()
        return code(lambda: buckets[number].write(KEY, data, expect=expected))

    with ThreadPoolExecutor(WRITERS) as pool:
        for _round in range(3):
            first.delete(KEY)
            expected = first.write(KEY, b"before") if existing else ABSENT
            won = list(pool.map(write, range(WRITERS), [expected] * WRITERS))
            assert sorted(won) == ["", *["KRJ318"] * (WRITERS - 1)]
            blob = first.read(KEY)
            assert blob is not None
            assert blob.data == f"by {won.index('')}".encode()


def test_readers_see_whole_blobs_while_they_are_replaced(place: Place) -> None:
    writer, reader = place.open(), place.open()
    contents = [bytes([number]) * 200_000 for number in (1, 2)]
    writer.write(KEY, contents[0])
    ended = threading.Event()

    def replace() -> None:
        for number in range(10):
            writer.write(KEY, contents[number % 2])
        ended.set()

    thread = threading.Thread(target=replace)
    thread.start()
    while not ended.is_set():
        blob = reader.read(KEY)
        assert blob is not None
        assert blob.data in contents
    thread.join()


def test_what_is_deleted_is_gone_and_deleting_twice_is_no_error(bucket: Bucket) -> None:
    tag = bucket.write(KEY, b"x")
    bucket.delete(KEY, expect=f"{tag}?")
    assert bucket.read(KEY) is not None
    bucket.delete(KEY, expect=tag)
    assert bucket.read(KEY) is None
    bucket.delete(KEY)
    bucket.delete(KEY, expect=tag)


def test_the_list_has_the_keys_of_a_beginning_in_order(bucket: Bucket) -> None:
    assert bucket.list("") == []
    keys = ["a/b/1.json", "a/b/10.json", "a/b/2.json", "a/bc/1.json", "a_b/1", "a%b/1", "ab/1"]
    for key in keys:
        bucket.write(key, b"x")
    below = [key for key in bucket.list("") if not key.startswith(".pulumi/kraj/")]
    assert below == sorted(keys)
    assert bucket.list("a/b") == [*keys[:3], "a/bc/1.json"]
    assert bucket.list("a/b/") == keys[:3]
    assert bucket.list("a/b/1") == keys[:2]
    assert bucket.list("a_") == ["a_b/1"]
    assert bucket.list("a%") == ["a%b/1"]
    assert bucket.list("nothing/") == []


def test_places_that_differ_in_their_name_are_apart(place: Place) -> None:
    one = place.open()
    one.write(KEY, b"one")
    other = Place(place.kind, place.url.replace("/bucket", "/other"), place.wire)
    if place.kind == "s3":
        other.url = place.url.replace("?", "/deeper?")
    if place.kind == "postgres":
        other.url = f"{place.url}_other"
    assert other.open().read(KEY) is None
    assert other.open().list("") == []


def test_a_place_that_cannot_be_reached_is_a_clear_error(remote_place: Place) -> None:
    bucket = remote_place.open()
    tag = bucket.write(KEY, b"before")
    assert remote_place.wire is not None
    remote_place.wire.cut()
    for work in (
        lambda: bucket.read(KEY),
        lambda: bucket.write(KEY, b"after", expect=tag),
        lambda: bucket.delete(KEY),
        lambda: bucket.list(""),
    ):
        with pytest.raises(KrajError) as caught:
            work()
        assert caught.value.code.code == "KRJ319"
        assert str(remote_place.wire.port) in caught.value.message
        assert caught.value.hint
    remote_place.wire.mend()
    blob = bucket.read(KEY)
    assert blob is not None
    assert blob.data == b"before"


def test_a_connection_that_was_lost_in_between_is_made_again(remote_place: Place) -> None:
    bucket = remote_place.open()
    tag = bucket.write(KEY, b"before")
    assert remote_place.wire is not None
    remote_place.wire.drop()
    bucket.write(KEY, b"after", expect=tag)
    remote_place.wire.drop()
    blob = bucket.read(KEY)
    assert blob is not None
    assert blob.data == b"after"


@pytest.fixture(params=[200, 501])
def careless_storage(request: pytest.FixtureRequest, storage_environment: None) -> Iterator[str]:
    """A storage that takes every write whatever it expects, or knows no expectations."""

    class Careless(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(request.param)
            self.send_header("ETag", '"d41d8cd98f00b204e9800998ecf8427e"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Careless) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"s3://states?endpoint=http://127.0.0.1:{server.server_port}&use_path_style=true"
        server.shutdown()


def test_a_storage_that_cannot_compare_is_refused(careless_storage: str) -> None:
    bucket = open_bucket(careless_storage)
    with pytest.raises(KrajError, match="does not compare before it writes") as caught:
        bucket.write(KEY, b"x", expect=ABSENT)
    assert caught.value.code.code == "KRJ321"


def test_a_missing_bucket_is_told(s3_place: Place) -> None:
    bucket = open_bucket(s3_place.url.replace("kraj-states", "kraj-other"))
    with pytest.raises(KrajError, match="NoSuchBucket") as caught:
        bucket.write(KEY, b"x")
    assert caught.value.code.code == "KRJ319"
    assert code(lambda: bucket.read(KEY)) == "KRJ319"


@pytest.mark.parametrize("variable", ["AWS_SECRET_ACCESS_KEY", "PGPASSWORD"])
def test_wrong_credentials_are_told_and_never_shown(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    found = request.getfixturevalue("s3_place" if "AWS" in variable else "postgres_place")
    assert isinstance(found, Place)
    monkeypatch.setenv(variable, "a-wrong-secret")
    bucket = found.open()
    with pytest.raises(KrajError) as caught:
        bucket.read(KEY)
    assert caught.value.code.code == "KRJ319"
    assert "a-wrong-secret" not in f"{caught.value.as_dict()}"


def test_a_write_that_the_database_refuses_is_told(
    postgres_server: Server, postgres_place: Place
) -> None:
    tag = postgres_place.open().write(KEY, b"before")
    with psycopg.connect(
        host="127.0.0.1",
        port=postgres_server.port,
        user="kraj",
        password=postgres_server.password,
        dbname="states",
        autocommit=True,
    ) as administrator:
        administrator.execute("ALTER ROLE kraj SET default_transaction_read_only = on")
        try:
            bucket = postgres_place.open()
            with pytest.raises(KrajError, match="read-only") as caught:
                bucket.write(KEY, b"after", expect=tag)
            assert caught.value.code.code == "KRJ308"
            assert code(lambda: bucket.delete(KEY)) == "KRJ308"
            blob = bucket.read(KEY)
        finally:
            administrator.execute("ALTER ROLE kraj RESET default_transaction_read_only")
    assert blob is not None
    assert blob.data == b"before"
