"""What is recorded for a region, and what it means for the choice of an engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from kraj.engine.choice import KEY, Choice, Unfinished, read_choice, without_password, write_choice
from kraj.engine.local.buckets.files import FileBucket
from kraj.engine.select import choose_engine
from kraj.errors import KrajError


@pytest.fixture
def bucket(tmp_path: Path) -> FileBucket:
    return FileBucket(tmp_path)


@pytest.fixture
def no_pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a pulumi command anywhere."""
    for name in ("PATH", "HOME", "PULUMI_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "empty"))
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)


def test_a_record_is_read_as_it_was_written(bucket: FileBucket) -> None:
    assert read_choice(bucket) == Choice()
    unfinished = Unfinished("local", "s3://bucket", {"kraj-tenant/a.t1": "abc"})
    choice = Choice("pulumi", "2026-11-23T10:00:00Z", "s3://bucket", unfinished)
    write_choice(bucket, choice)
    assert read_choice(bucket) == choice


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 2}', '{"version": 1, "engine": 1}'])
def test_a_damaged_record_is_named_with_what_to_do(bucket: FileBucket, text: str) -> None:
    bucket.write(KEY, text.encode())
    with pytest.raises(KrajError) as caught:
        read_choice(bucket)
    assert caught.value.code.code == "KRJ309"
    assert KEY in caught.value.message
    assert "kraj engine switch" in caught.value.hint


@pytest.mark.usefixtures("no_pulumi")
def test_the_recorded_engine_is_taken_and_an_option_wins_over_it(
    bucket: FileBucket, tmp_path: Path
) -> None:
    write_choice(bucket, Choice("local", "2026-11-23T10:00:00Z"))
    engine, reason = choose_engine(None, tmp_path)
    assert engine.name == "local"
    assert reason == "chosen for the region by `kraj engine switch` on 2026-11-23"
    write_choice(bucket, Choice("pulumi", "2026-11-23T10:00:00Z"))
    assert choose_engine("local", tmp_path)[1] == "asked for with --engine local"


@pytest.mark.usefixtures("no_pulumi")
def test_a_region_with_pulumi_is_not_worked_on_in_silence_without_its_command(
    bucket: FileBucket, tmp_path: Path
) -> None:
    write_choice(bucket, Choice("pulumi", "2026-11-23T10:00:00Z"))
    with pytest.raises(KrajError) as caught:
        choose_engine(None, tmp_path)
    assert caught.value.code.code == "KRJ312"
    for way in ("kraj engine install", "kraj engine switch local", "--engine local"):
        assert way in caught.value.hint


def test_an_engine_that_would_not_see_the_states_is_refused(
    bucket: FileBucket, tmp_path: Path
) -> None:
    write_choice(bucket, Choice("pulumi", "2026-11-23T10:00:00Z", "s3://bucket"))
    with pytest.raises(KrajError, match="the states are at s3://bucket; the engine local has"):
        choose_engine("local", tmp_path)
    write_choice(bucket, Choice("", "", "", Unfinished("pulumi", "s3://bucket")))
    with pytest.raises(KrajError, match="kraj engine switch pulumi"):
        choose_engine("local", tmp_path)
    write_choice(bucket, Choice("", "", "", Unfinished("pulumi")))
    assert choose_engine("local", tmp_path)[0].name == "local", "both engines see all states"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgres://eva:hush@db:5432/kraj?sslmode=require", "postgres://eva@db:5432/kraj"),
        ("s3://bucket?region=a", "s3://bucket?region=a"),
        ("file:///srv/state", "file:///srv/state"),
    ],
)
def test_a_password_is_not_part_of_a_place(url: str, shown: str) -> None:
    assert without_password(url).startswith(shown)
    assert "hush" not in without_password(url)
