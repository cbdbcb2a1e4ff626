"""Pulumi's own command and kraj on the same place: each reads what the other wrote."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kraj.engine.local.lock import stack_lock
from kraj.engine.local.store import StateStore
from kraj.engine.pulumi import PulumiEngine
from kraj.errors import KrajError
from kraj.events import ignore
from tests.backends.conftest import Place
from tests.unit.engine.conftest import PASSPHRASE, Lab, make_engine, operations

pytestmark = [
    pytest.mark.pulumi,
    pytest.mark.skipif(
        not shutil.which("pulumi"), reason="no `pulumi` command on PATH (`kraj engine install`)"
    ),
]

STACK = "organization/notes/test.one"
PROGRAM = 'Note("a", text=pulumi.Output.secret("hidden"))\npulumi.export("x", "Železný Brod")'


def pulumi(lab: Lab, place: Place, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PULUMI_BACKEND_URL": place.open().url,
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    named = [STACK] if arguments == ("init",) else ["--stack", STACK]
    return subprocess.run(
        ["pulumi", "--non-interactive", "stack", *arguments, *named],
        cwd=lab.root / "program",
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def exported(lab: Lab, place: Place) -> dict[str, Any]:
    done = pulumi(lab, place, "export")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


def without_times(deployment: dict[str, Any]) -> list[dict[str, Any]]:
    """The resources; Pulumi writes the same times with other numbers of digits."""
    return [
        {key: value for key, value in item.items() if key not in ("created", "modified")}
        for item in deployment["resources"]
    ]


def test_each_reads_what_the_other_wrote(place: Place, tmp_path: Path) -> None:
    source = Lab(tmp_path, make_engine(tmp_path))
    source.up(PROGRAM)
    file = tmp_path / "exported.json"
    file.write_text(json.dumps(source.engine.export_state(source.spec())))
    if place.kind == "file":
        (tmp_path / "bucket").mkdir()
    done = pulumi(source, place, "init")
    assert done.returncode == 0, done.stderr
    lab = Lab(tmp_path, make_engine(tmp_path, bucket=place.open()))
    assert lab.engine.exists(lab.spec())
    if place.kind == "s3":
        # SeaweedFS lists the folder of a lock that is gone as an object, which Pulumi's command
        # takes for a lock: after its first lock it writes no more, with or without kraj.
        lab.engine.import_state(lab.spec(), json.loads(file.read_text()))
    else:
        done = pulumi(source, place, "import", "--file", str(file))
        assert done.returncode == 0, done.stderr
    assert lab.engine.outputs(lab.spec()) == {"x": "Železný Brod"}
    assert operations(lab.up()) == {"a": "same"}
    assert operations(lab.up('Note("a", text="open")\nNote("b")')) == {
        "a": "update",
        "b": "create",
    }

    ours = lab.engine.export_state(lab.spec())["deployment"]
    theirs = exported(lab, place)["deployment"]
    assert without_times(theirs) == without_times(ours)
    assert theirs["secrets_providers"] == ours["secrets_providers"]


@pytest.mark.parametrize("kind", ["s3", "postgres"])
def test_both_engines_of_kraj_share_the_place(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    place = request.getfixturevalue(f"{kind}_place")
    assert isinstance(place, Place)
    local = Lab(tmp_path, make_engine(tmp_path, bucket=place.open()))
    spec = local.spec('pulumi.export("x", "by the local engine")')
    engine = PulumiEngine(
        tmp_path / "state",
        environ={**os.environ, "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE},
        bucket=place.open(),
    )
    local.up()
    assert engine.exists(spec)
    assert engine.outputs(spec) == {"x": "by the local engine"}
    if kind == "s3":
        return  # see above: SeaweedFS
    local.spec('pulumi.export("x", "by Pulumi")')
    engine.up(spec, ignore)
    assert local.engine.outputs(spec) == {"x": "by Pulumi"}
    assert [entry.result for entry in local.engine.history(spec)] == ["succeeded"] * 2
    store = StateStore(place.open(), "notes", "test.one", tmp_path)
    with stack_lock(store, lambda _message: None), pytest.raises(KrajError) as caught:
        engine.up(spec, ignore)
    assert caught.value.code.code == "KRJ306"


def test_pulumi_respects_a_lock_of_kraj(place: Place, tmp_path: Path) -> None:
    lab = Lab(tmp_path, make_engine(tmp_path, bucket=place.open()))
    lab.up(PROGRAM)
    document = exported(lab, place)
    file = tmp_path / "same.json"
    file.write_text(json.dumps(document))
    store = StateStore(place.open(), "notes", "test.one", tmp_path)
    lock = {"pid": 1, "username": "x", "hostname": "y", "timestamp": "2026-01-01T00:00:00Z"}
    store.bucket.write(f"{store.locks}kraj.json", json.dumps(lock).encode())
    done = pulumi(lab, place, "import", "--file", str(file))
    assert done.returncode != 0
    assert "currently locked by 1 lock" in done.stderr
