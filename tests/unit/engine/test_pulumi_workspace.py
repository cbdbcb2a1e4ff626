"""What the `pulumi` command is given: folder, configuration, environment."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kraj.engine.base import StackSpec
from kraj.engine.local.crypto import Crypter, KeyRing
from kraj.engine.pulumi_workspace import (
    ENVIRONMENT_BYTES,
    Backend,
    config_file,
    environment,
    prepare_folder,
)
from kraj.errors import KrajError

KEYS = KeyRing(lambda: "correct horse battery staple")


@pytest.fixture
def spec(tmp_path: Path) -> StackSpec:
    program = tmp_path / "stacks" / "tenant"
    program.mkdir(parents=True)
    (program / "Pulumi.yaml").write_text("name: notes\nruntime: python\ndescription: Notes.\n")
    return StackSpec(
        project="notes",
        stack="test.one",
        label="tenant:one",
        program=program,
        config={"kraj:document": '{"title": "Frýdlant & okolí"}'},
        secret_config={"kraj:password": "hush"},
        environment={"OS_CLIENT_CONFIG_FILE": "/etc/openstack/clouds.yaml"},
    )


def test_the_project_file_points_to_the_program_and_nothing_is_written_there(
    spec: StackSpec, tmp_path: Path
) -> None:
    folder = prepare_folder(spec, tmp_path / "state")
    project = yaml.safe_load((folder / "Pulumi.yaml").read_text())
    assert project == {
        "name": "notes",
        "runtime": "python",
        "description": "Notes.",
        "main": str(spec.program),
    }
    assert [path.name for path in spec.program.iterdir()] == ["Pulumi.yaml"]


def test_a_program_of_another_project_is_refused(spec: StackSpec, tmp_path: Path) -> None:
    with pytest.raises(KrajError) as caught:
        prepare_folder(replace(spec, project="other"), tmp_path)
    assert caught.value.code.code == "KRJ314"
    assert "'notes'" in caught.value.message


def test_secrets_are_encrypted_in_the_configuration_and_the_file_is_gone_afterwards(
    spec: StackSpec, tmp_path: Path
) -> None:
    folder = prepare_folder(spec, tmp_path)
    with config_file(spec, folder, Backend(tmp_path, {}), KEYS) as path:
        text = path.read_text()
        assert path.stat().st_mode & 0o077 == 0
    settings = yaml.safe_load(text)
    assert settings["config"]["kraj:document"] == spec.config["kraj:document"]
    assert "hush" not in text
    cipher = settings["config"]["kraj:password"]["secure"]
    assert Crypter(KEYS, settings["encryptionsalt"]).decrypt(cipher, "") == "hush"
    assert not path.exists()


def test_the_configuration_takes_the_salt_of_the_state(spec: StackSpec, tmp_path: Path) -> None:
    backend = Backend(tmp_path, {})
    salt = Crypter(KEYS).salt_state
    store = backend.store(spec)
    assert store is not None
    store.save({"secrets_providers": {"type": "passphrase", "state": {"salt": salt}}})
    with config_file(spec, prepare_folder(spec, tmp_path), backend, KEYS) as path:
        assert yaml.safe_load(path.read_text())["encryptionsalt"] == salt


def test_a_passphrase_that_does_not_fit_the_state_is_found_before_anything_runs(
    spec: StackSpec, tmp_path: Path
) -> None:
    backend = Backend(tmp_path, {})
    store = backend.store(spec)
    assert store is not None
    salt = Crypter(KEYS).salt_state
    store.save({"secrets_providers": {"type": "passphrase", "state": {"salt": salt}}})
    wrong = KeyRing(lambda: "another")
    folder = prepare_folder(spec, tmp_path)
    with pytest.raises(KrajError) as caught, config_file(spec, folder, backend, wrong):
        pass
    assert caught.value.code.code == "KRJ310"


def test_the_program_sees_of_openstack_only_what_the_spec_names(
    spec: StackSpec, tmp_path: Path
) -> None:
    given = {
        "PATH": "/usr/bin",
        "OS_PASSWORD": "admin",
        "OS_CLIENT_CONFIG_FILE": "/home/eva/clouds.yaml",
        "PULUMI_STACK": "other",
        "PULUMI_CONFIG_PASSPHRASE": "staple",
        "PULUMI_CONFIG_PASSPHRASE_FILE": "/home/eva/passphrase",
        "PULUMI_ACCESS_TOKEN": "hush",
        "AWS_SECRET_ACCESS_KEY": "hush",
        "GITHUB_TOKEN": "hush",
        "PULUMI_DIY_BACKEND_GZIP": "1",
        "PULUMI_HOME": "/srv/pulumi",
    }
    found = environment(spec, Backend(tmp_path, given), given)
    assert {name for name in found if name.startswith("OS_")} == {"OS_CLIENT_CONFIG_FILE"}
    assert found["OS_CLIENT_CONFIG_FILE"] == "/etc/openstack/clouds.yaml"
    assert found["PULUMI_BACKEND_URL"] == f"file://{tmp_path}"
    assert found["PULUMI_PYTHON_CMD"] == sys.executable
    assert found["PULUMI_HOME"] == "/srv/pulumi"
    unwanted = given.keys() - {"PATH", "OS_CLIENT_CONFIG_FILE", "PULUMI_HOME"}
    assert not unwanted & found.keys()


def test_another_backend_is_honoured_and_its_files_are_not_ours_to_read(
    spec: StackSpec, tmp_path: Path
) -> None:
    given = {"PULUMI_BACKEND_URL": "s3://region-state"}
    backend = Backend(tmp_path, given)
    given |= {"AWS_SECRET_ACCESS_KEY": "theirs", "AZURE_STORAGE_KEY": "another's"}
    found = environment(spec, backend, given)
    assert found["PULUMI_BACKEND_URL"] == "s3://region-state"
    assert found["AWS_SECRET_ACCESS_KEY"] == "theirs"
    assert "AZURE_STORAGE_KEY" not in found
    assert backend.store(spec) is None


def go_json(values: dict[str, str]) -> bytes:
    """JSON as Go's encoder writes it, which escapes these three for the sake of HTML."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode()


@given(unit=st.sampled_from(["a", '"', "\\", "<", "é", "&", "\n"]), spare=st.integers(-20, 20))
def test_a_configuration_is_refused_exactly_where_the_program_could_not_be_started(
    unit: str, spare: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    program = tmp_path_factory.mktemp("program")
    (program / "Pulumi.yaml").write_text("name: notes\nruntime: python\n")
    each = len(go_json({"k": unit})) - len(go_json({"k": ""}))
    count = ENVIRONMENT_BYTES // each + spare
    spec = StackSpec("notes", "test.one", "one", program, {"kraj:document": unit * count})
    size = len(b"PULUMI_CONFIG=") + len(go_json(dict(spec.config))) + 1
    if size <= ENVIRONMENT_BYTES:
        prepare_folder(spec, program / "state")
        return
    with pytest.raises(KrajError) as caught:
        prepare_folder(spec, program / "state")
    assert caught.value.code.code == "KRJ358"
    assert caught.value.details["bytes"] == size
