"""URLs of places for states: what they mean, and that no password is ever shown."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from kraj.engine.base import StackSpec
from kraj.engine.local.buckets.files import FileBucket
from kraj.engine.local.buckets.places import open_bucket, trial
from kraj.engine.local.buckets.postgres import PostgresAddress
from kraj.engine.local.buckets.s3 import S3Address
from kraj.engine.pulumi_workspace import Backend, environment
from kraj.errors import KrajError


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://db/states", "mysql:// is no place for states; known are file://, s3://"),
        ("states", "one without a scheme is no place"),
        ("file://states/here", "has the whole path, as file:///srv/state"),
        ("s3://", "must be s3://<bucket>"),
        ("s3://key:hush@states", "without credentials"),
        ("s3://states?regoin=x", "unknown parameter 'regoin'"),
        ("postgres://me:hush@db/x?table=a-b", "'a-b' is no name for a table"),
        ("postgres://me:hush@db:port/x", "[Pp]ort"),
        ("postgres://[::1/x", "this is no URL"),
    ],
)
def test_a_url_that_is_of_no_use_is_refused_without_its_secrets(url: str, message: str) -> None:
    with pytest.raises(KrajError, match=message) as caught:
        open_bucket(url)
    assert caught.value.code.code == "KRJ320"
    assert "hush" not in f"{caught.value.as_dict()}"


def test_a_folder_is_named_by_its_whole_path_or_from_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert open_bucket("file:///srv/the%20state").folder == Path("/srv/the state")
    assert open_bucket("file://~/state").folder == tmp_path / "state"
    assert open_bucket("file://~").folder == tmp_path


def test_an_s3_url_means_what_it_means_to_pulumi() -> None:
    address = S3Address.of(
        urlsplit("s3://states/a/b/?endpoint=host:9000&disableSSL=true&s3ForcePathStyle=true")
    )
    assert (address.bucket, address.prefix, address.region) == ("states", "a/b/", None)
    assert (address.endpoint, address.path_style) == ("http://host:9000", True)
    plain = S3Address.of(urlsplit("s3://states?region=eu-central-1&profile=kraj"))
    assert (plain.prefix, plain.region, plain.profile) == ("", "eu-central-1", "kraj")
    assert (plain.endpoint, plain.path_style) == (None, False)


def test_a_postgres_url_means_what_it_means_to_pulumi() -> None:
    url = "postgres://me:hu%2Fsh@db.example:5433/states?table=Mine&sslmode=verify-full"
    address = PostgresAddress.of(urlsplit(url))
    assert address.url == ("postgres://me@db.example:5433/states?table=Mine&sslmode=verify-full")
    assert (address.table, address.prefix, address.password) == ("mine", "states/", "hu/sh")
    assert address.settings == {
        "host": "db.example",
        "port": "5433",
        "user": "me",
        "dbname": "states",
        "sslmode": "verify-full",
    }
    assert "hu" not in repr(address).replace("sslmode", "")
    bare = PostgresAddress.of(urlsplit("postgres://?dbname=states&password=hush"))
    assert (bare.table, bare.prefix, bare.password) == ("pulumi_state", "", "hush")
    assert bare.url == "postgres://?dbname=states"
    assert bare.settings == {"dbname": "states"}


def test_a_trial_leaves_nothing_behind(tmp_path: Path) -> None:
    bucket = FileBucket(tmp_path)
    assert trial(bucket) >= 0
    assert [key for key in bucket.list("") if "guards" not in key] == []


def test_pulumis_command_gets_the_place_and_its_password_apart(tmp_path: Path) -> None:
    spec = StackSpec("notes", "test.one", "tenant:one", tmp_path)
    bucket = open_bucket("postgres://me:hush@db.example/states")
    given = {
        "PULUMI_BACKEND_URL": "s3://elsewhere",
        "KRAJ_STATE_URL": "postgres://me:hush@db.example/states",
    }
    backend = Backend(tmp_path, given, bucket)
    found = environment(spec, backend, given)
    assert found["PULUMI_BACKEND_URL"] == "postgres://me@db.example/states"
    assert found["PGPASSWORD"] == "hush"
    assert "KRAJ_STATE_URL" not in found
    assert backend.store(spec) is not None
    # Without a named place, Pulumi's own variable counts.
    other = Backend(tmp_path, given, FileBucket(tmp_path))
    assert other.url == "s3://elsewhere"
    assert other.store(spec) is None
