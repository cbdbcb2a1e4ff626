"""One place for states of each kind, new for every test, on servers that a whole run shares."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kraj.engine.local.buckets.base import Bucket
from kraj.engine.local.buckets.places import open_bucket
from tests.backends import servers
from tests.backends.servers import Server, Unavailable, Wire

KINDS = ("file", "s3", "postgres")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    try:
        with servers.postgres() as server:
            yield server
    except Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def object_storage() -> Iterator[Server]:
    try:
        with servers.object_storage() as server:
            yield server
    except Unavailable as reason:
        pytest.skip(str(reason))


@dataclass
class Place:
    """A place for states, and the way to it."""

    kind: str
    url: str  #: without a password
    wire: Wire | None  #: None for a folder

    def open(self) -> Bucket:
        """A bucket of its own, as another process would have."""
        return open_bucket(self.url)


@pytest.fixture
def storage_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The credentials of the object storage, and nothing of the machine's own."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", servers.ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", servers.SECRET_KEY)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def s3_place(object_storage: Server, storage_environment: None) -> Iterator[Place]:
    wire = Wire(object_storage.port)
    options = f"region=us-east-1&endpoint=127.0.0.1:{wire.port}&disableSSL=true"
    name = secrets.token_hex(6)
    yield Place("s3", f"s3://{servers.S3_BUCKET}/{name}?{options}&s3ForcePathStyle=true", wire)
    wire.close()


@pytest.fixture
def postgres_place(postgres_server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("PGPASSWORD", postgres_server.password)
    for name in ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGSSLMODE", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)
    wire = Wire(postgres_server.port)
    table = f"states_{secrets.token_hex(6)}"
    yield Place(
        "postgres",
        f"postgres://kraj@127.0.0.1:{wire.port}/states?sslmode=disable&table={table}",
        wire,
    )
    wire.close()


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place of every kind in turn."""
    if request.param == "file":
        return Place("file", f"file://{tmp_path}/bucket", None)
    found = request.getfixturevalue(f"{request.param}_place")
    assert isinstance(found, Place)
    return found


@pytest.fixture(params=("s3", "postgres"))
def remote_place(request: pytest.FixtureRequest) -> Place:
    """A place behind a wire, of every kind in turn."""
    found = request.getfixturevalue(f"{request.param}_place")
    assert isinstance(found, Place)
    return found


@pytest.fixture
def bucket(place: Place) -> Bucket:
    return place.open()
