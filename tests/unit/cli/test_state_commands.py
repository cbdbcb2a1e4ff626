"""`kraj state` without a cloud: what an admin does with states when something is broken."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from kraj.configure.authority import Authority, Charter, Wanted
from kraj.engine.local.buckets.files import FileBucket
from kraj.engine.local.crypto import KeyRing
from kraj.engine.local.state import (
    PendingOperation,
    ResourceState,
    crypter_of,
    dump_deployment,
    now,
    read_deployment,
)
from kraj.engine.local.store import StateStore
from kraj.engine.local.values import Secret
from kraj.errors import KrajError
from tests.unit.cli.conftest import Outcome

Kraj = Callable[..., Outcome]
PREFIX = "urn:pulumi:liberecky::kraj-centre::"
STACK = ResourceState(
    f"{PREFIX}pulumi:pulumi:Stack::kraj-centre-liberecky", "pulumi:pulumi:Stack", False
)
NETWORK = "openstack:networking/network:Network"


def network(name: str, **more: Any) -> ResourceState:
    inputs = {"name": name, "password": Secret("canary")}
    return ResourceState(
        f"{PREFIX}{NETWORK}::{name}",
        NETWORK,
        True,
        f"id-of-{name}",
        inputs=inputs,
        outputs=inputs,
        parent=STACK.urn,
        **more,
    )


@pytest.fixture
def centre(project: Path, monkeypatch: pytest.MonkeyPatch) -> StateStore:
    """The centre's state with one network, as a run has left it."""
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "correct horse")
    state = project / ".kraj" / "regions" / "liberecky"
    return StateStore(FileBucket(state), "kraj-centre", "liberecky", state)


def save(store: StateStore, *resources: ResourceState, pending: str = "") -> None:
    """As a run does: read, then replace."""
    fresh = StateStore(store.bucket, store.project, store.stack, Path("/nowhere"))
    before = fresh.load()
    crypter = crypter_of(before, KeyRing(lambda: os.environ["PULUMI_CONFIG_PASSPHRASE"]))
    read_deployment(before, crypter)  # what is known keeps its ciphertext
    begun = [PendingOperation(resources[-1], pending)] if pending else []
    fresh.save(dump_deployment([STACK, *resources], begun, crypter))


def names(shown: Any) -> list[str]:
    return [item["name"] for item in shown["resources"]]


def test_states_are_listed_with_their_locks_and_those_that_no_file_names(
    kraj: Kraj, centre: StateStore, project: Path
) -> None:
    assert "Nothing is provisioned yet" in kraj("state", "list").out
    save(centre, network("front"))
    save(StateStore(centre.bucket, "kraj-tenant", "liberecky.t999", project), network("old"))
    lock = {"pid": 1, "username": "eva", "hostname": "elsewhere", "timestamp": now()}
    centre.bucket.write(f"{centre.locks}kraj.json", json.dumps(lock).encode())
    first, second = kraj("state", "list", "--json").json["states"]
    assert (first["stack"], first["resources"], first["pending"]) == ("centre", 2, 0)
    assert "eva@elsewhere" in first["locked_by"][0]
    assert second["stack"] == "kraj-tenant/liberecky.t999"
    assert "eva@elsewhere" in kraj("state", "list").out


def test_a_state_is_shown_with_its_ids_and_without_its_secrets(
    kraj: Kraj, centre: StateStore
) -> None:
    save(centre, network("front", protect=True))
    outcome = kraj("state", "show", "centre")
    assert "Network front" in outcome.out
    assert "id-of-front" in outcome.out
    shown = kraj("state", "show", "centre", "--json")
    assert shown.json["resources"][1]["flags"] == ["protect"]
    assert "canary" not in outcome.out + shown.out + kraj("state", "export", "centre").out


def test_an_export_goes_back_as_it_came_after_a_question(
    kraj: Kraj, centre: StateStore, tmp_path: Path
) -> None:
    save(centre, network("front"))
    file = tmp_path / "centre.json"
    assert kraj("state", "export", "centre", "--file", str(file)).code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    save(centre, network("front"), network("back"))
    rehearsed = kraj("state", "import", "centre", str(file), "--dry-run", "--json").json
    assert (rehearsed["done"], rehearsed["differences"]) == (
        False,
        [{"change": "remove", "type": NETWORK, "name": "back", "id": "id-of-back"}],
    )
    assert names(kraj("state", "show", "centre", "--json").json)[1:] == ["front", "back"]
    assert kraj("state", "import", "centre", str(file), "--yes").code == 0
    assert names(kraj("state", "show", "centre", "--json").json)[1:] == ["front"]
    assert kraj("state", "history", "centre", "--json").json["updates"][0]["kind"] == "import"


def test_an_export_of_another_stack_is_refused(
    kraj: Kraj, centre: StateStore, tmp_path: Path
) -> None:
    save(centre, network("front"))
    file = tmp_path / "centre.json"
    kraj("state", "export", "centre", "--file", str(file))
    outcome = kraj("state", "import", "tenant:bela", str(file), "--yes")
    assert outcome.code == 1
    assert "KRJ314" in outcome.err
    assert kraj("state", "show", "tenant:bela").code == 1


@pytest.mark.parametrize("content", [None, "{", "[]", '{"version": 3}', '{"deployment": 1}'])
def test_a_file_that_is_no_export_is_named(
    kraj: Kraj, centre: StateStore, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "wrong.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    outcome = kraj("state", "import", "centre", str(file), "--yes")
    assert outcome.code == 1
    assert "KRJ730" in outcome.err
    assert "wrong.json" in outcome.err


def test_the_state_after_an_earlier_update_comes_back_by_its_number(
    kraj: Kraj, centre: StateStore, tmp_path: Path
) -> None:
    for last in ("one", "two"):
        save(centre, network(last))
        file = tmp_path / f"{last}.json"
        kraj("state", "export", "centre", "--file", str(file))
        assert kraj("state", "import", "centre", str(file), "--yes").code == 0
    updates = kraj("state", "history", "centre", "--json").json["updates"]
    assert [update["version"] for update in updates] == [2, 1]
    assert kraj("state", "restore", "centre", "1", "--yes").code == 0
    assert names(kraj("state", "show", "centre", "--json").json)[1:] == ["one"]
    outcome = kraj("state", "restore", "centre", "99", "--yes")
    assert outcome.code == 1
    assert "KRJ326" in outcome.err


def test_every_change_leaves_a_copy_that_can_be_taken_back_and_that_be_undone(
    kraj: Kraj, centre: StateStore
) -> None:
    for last in ("one", "two", "three"):
        save(centre, network(last))
    kept = kraj("state", "backups", "centre", "--json").json["backups"]
    assert [backup["whole"] for backup in kept] == [True, True]
    assert kraj("state", "restore", "centre", kept[1]["name"], "--yes").code == 0
    assert names(kraj("state", "show", "centre", "--json").json)[1:] == ["one"]
    undo = kraj("state", "backups", "centre", "--json").json["backups"][0]["name"]
    assert kraj("state", "restore", "centre", undo, "--yes").code == 0
    assert names(kraj("state", "show", "centre", "--json").json)[1:] == ["three"]


def test_twenty_copies_are_kept(kraj: Kraj, centre: StateStore) -> None:
    for number in range(23):
        save(centre, network(f"n{number}"))
    kept = kraj("state", "backups", "centre", "--json").json["backups"]
    assert len(kept) == 20
    oldest = json.loads(centre.backups.read(kept[-1]["name"]))
    assert oldest["checkpoint"]["latest"]["resources"][1]["inputs"]["name"] == "n2"


def test_a_region_says_how_many_copies_are_kept(
    kraj: Kraj, centre: StateStore, project: Path
) -> None:
    with (project / "inventories" / "liberecky" / "region.yaml").open("a") as file:
        file.write("state: {backups: 3}\n")
    for number in range(5):
        save(centre, network(f"n{number}"))
    exported = kraj("state", "export", "centre").out
    for number in range(2):
        file_name = project / f"{number}.json"
        file_name.write_text(exported.replace("id-of-n4", f"other-{number}"))
        assert kraj("state", "import", "centre", str(file_name), "--yes").code == 0
    assert len(kraj("state", "backups", "centre", "--json").json["backups"]) == 3


def test_a_damaged_copy_is_told_and_never_used(kraj: Kraj, centre: StateStore) -> None:
    for last in ("one", "two"):
        save(centre, network(last))
    (kept,) = kraj("state", "backups", "centre", "--json").json["backups"]
    assert centre.bucket.folder is not None
    file = centre.bucket.folder / f".pulumi/backups/kraj-centre/liberecky/{kept['name']}"
    file.write_bytes(file.read_bytes().replace(b"id-of-one", b"id-of-two"))
    outcome = kraj("state", "restore", "centre", kept["name"], "--yes")
    assert (outcome.code, "KRJ327" in outcome.err) == (1, True)
    assert "damaged" in kraj("state", "backups", "centre").out
    assert kraj("state", "verify").code == 1
    assert "KRJ326" in kraj("state", "restore", "centre", "nothing.json", "--yes").err


def test_a_state_cut_off_by_a_full_disk_is_told_and_restored(
    kraj: Kraj, centre: StateStore
) -> None:
    for last in ("one", "two"):
        save(centre, network(last))
    assert kraj("state", "verify").code == 0
    whole = centre.bucket.read(centre.checkpoint)
    assert whole is not None
    centre.bucket.write(centre.checkpoint, whole.data[:300])
    found = kraj("state", "verify", "--json")
    assert found.code == 1
    assert "is not a checkpoint" in found.json["states"][0]["faults"][0]
    assert kraj("state", "list", "--json").json["states"][0]["error"]["code"] == "KRJ309"
    (kept,) = kraj("state", "backups", "centre", "--json").json["backups"]
    assert kraj("state", "restore", "centre", kept["name"], "--yes").code == 0
    assert names(kraj("state", "show", "centre", "--json").json)[1:] == ["one"]


def test_all_faults_of_a_state_are_told(kraj: Kraj, centre: StateStore) -> None:
    lonely = network("front", dependencies=[f"{PREFIX}{NETWORK}::nothing"])
    nameless = network("back")
    nameless.id = ""
    save(centre, lonely, lonely, nameless, pending="updating")
    (state,) = kraj("state", "verify", "--json").json["states"]
    faults = " ".join(state["faults"])
    for wrong in ("stands twice", "::nothing, which", "back has no id", "'updating'"):
        assert wrong in faults


def test_a_wrong_passphrase_is_told(
    kraj: Kraj, centre: StateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(centre, network("front"))
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "wrong horse")
    outcome = kraj("state", "verify")
    assert outcome.code == 1
    assert "passphrase" in outcome.out


def test_a_lock_of_another_machine_is_removed_after_a_question(
    kraj: Kraj, centre: StateStore
) -> None:
    lock = {"pid": 7, "username": "eva", "hostname": "elsewhere", "timestamp": now()}
    centre.bucket.write(f"{centre.locks}kraj.json", json.dumps(lock).encode())
    kept = kraj("state", "unlock", "centre")
    assert kept.code != 0
    assert "eva@elsewhere" in kept.err
    assert kraj("state", "unlock", "centre", "--yes", "--json").json["locks"] == 1
    assert kraj("state", "unlock", "centre", "--json").json["locks"] == 0


def test_the_lock_of_a_process_that_runs_here_stays(kraj: Kraj, centre: StateStore) -> None:
    lock = {
        "pid": os.getpid(),
        "username": "eva",
        "hostname": socket.gethostname(),
        "timestamp": now(),
    }
    centre.bucket.write(f"{centre.locks}kraj.json", json.dumps(lock).encode())
    outcome = kraj("state", "unlock", "centre", "--yes")
    assert outcome.code == 1
    assert "KRJ306" in outcome.err
    assert centre.bucket.read(f"{centre.locks}kraj.json") is not None


def test_an_unknown_stack_is_named_by_every_command(kraj: Kraj, centre: StateStore) -> None:
    for command in ("show", "export", "history", "backups", "unlock"):
        outcome = kraj("state", command, "tenant:nowhere")
        assert (outcome.code, "KRJ703" in outcome.err) == (1, True), command


def test_a_state_out_of_order_is_repaired_after_it_was_shown_how(
    kraj: Kraj, centre: StateStore
) -> None:
    back = network("back")
    front = network("front", dependencies=[back.urn, f"{PREFIX}{NETWORK}::nothing"])
    save(centre, front, back, front)
    before = centre.bucket.read(centre.checkpoint)
    planned = kraj("state", "repair", "centre", "--dry-run", "--json").json
    actions = " ".join(planned["actions"])
    assert planned["done"] is False
    for done in ("forget", "::nothing", "stands twice"):
        assert done in actions
    after = centre.bucket.read(centre.checkpoint)
    assert before is not None
    assert after is not None
    assert before.data == after.data
    assert kraj("state", "repair", "centre").code != 0  # nobody answers the question
    assert kraj("state", "repair", "centre", "--yes").code == 0
    assert names(kraj("state", "show", "centre", "--json").json)[1:] == ["back", "front"]
    assert kraj("state", "verify").code == 0
    assert "Nothing to repair" in kraj("state", "repair", "centre").out
    undo = kraj("state", "backups", "centre", "--json").json["backups"][0]["name"]
    assert centre.backups.read(undo) == before.data


def test_a_state_that_cannot_be_read_is_repaired_from_its_newest_whole_copy(
    kraj: Kraj, centre: StateStore
) -> None:
    for last in ("one", "two", "three"):
        save(centre, network(last))
    newest = kraj("state", "backups", "centre", "--json").json["backups"][0]["name"]
    assert centre.bucket.folder is not None
    copies = centre.bucket.folder / ".pulumi/backups/kraj-centre/liberecky"
    (copies / newest).write_bytes(b"rotten")
    for key in (centre.checkpoint, centre.backup):
        centre.bucket.write(key, b"{")
    assert kraj("state", "repair", "centre", "--yes").code == 0
    assert names(kraj("state", "show", "centre", "--json").json)[1:] == ["one"]


def test_a_copy_of_a_state_that_could_not_be_read_is_passed_over(
    kraj: Kraj, centre: StateStore
) -> None:
    for last in ("one", "two"):
        save(centre, network(last))
    for _accident in range(2):  # the second time, the newest copy is of the first accident
        whole = centre.bucket.read(centre.checkpoint)
        assert whole is not None
        centre.bucket.write(centre.checkpoint, whole.data[:300])
        assert kraj("state", "repair", "centre", "--yes").code == 0
        assert names(kraj("state", "show", "centre", "--json").json)[1:] == ["one"]


def test_a_state_whose_provider_is_missing_is_not_repaired(kraj: Kraj, centre: StateStore) -> None:
    save(centre, network("front", provider=f"{PREFIX}pulumi:providers:openstack::gone::id"))
    outcome = kraj("state", "repair", "centre", "--yes")
    assert (outcome.code, "KRJ309" in outcome.err, "::gone" in outcome.err) == (1, True, True)


def password_of(store: StateStore, passphrase: str) -> Any:
    deployment = store.load()
    state = read_deployment(deployment, crypter_of(deployment, KeyRing(lambda: passphrase)))
    return state.resources[1].outputs["password"]


@pytest.fixture
def new_file(tmp_path: Path) -> Path:
    file = tmp_path / "new.txt"
    file.write_text("battery staple\n", encoding="utf-8")
    return file


def test_the_passphrase_of_all_states_is_changed_and_of_those_that_were_left_over(
    kraj: Kraj, centre: StateStore, project: Path, new_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bela = StateStore(centre.bucket, "kraj-tenant", "liberecky.t999", project)
    save(bela, network("bela"))
    change = ("state", "change-secrets-provider", "--new-passphrase-file", str(new_file))
    assert kraj(*change, "--yes").code == 0
    save(centre, network("front"))  # as if the first run had been killed before this one
    assert kraj(*change, "--dry-run").code == 0
    assert password_of(centre, "correct horse") == Secret("canary")
    done = kraj(*change, "--yes", "--json").json
    assert [(it["secrets"], it["before"]) for it in done["states"]] == [(2, False), (2, True)]
    for store in (centre, bela):
        assert password_of(store, "battery staple") == Secret("canary")
    assert kraj("state", "verify").code == 1
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "battery staple")
    assert kraj("state", "verify").code == 0


def test_the_certificate_authority_changes_its_passphrase_with_the_states(
    kraj: Kraj, centre: StateStore, new_file: Path
) -> None:
    save(centre, network("front"))
    assert centre.bucket.folder is not None
    folder = centre.bucket.folder / "authority"
    key = ec.generate_private_key(ec.SECP256R1())
    request = (
        x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, SHA256())
    )
    charter = Charter("liberecky", ("example",), (), 100)
    wanted = Wanted(("a.example",), (), 30, 10)

    def sign(passphrase: str) -> str:
        authority = Authority(folder, lambda: passphrase)
        return authority.issue(charter, request.public_bytes(Encoding.PEM), b"", wanted).chain

    chain = sign("correct horse")
    change = ("state", "change-secrets-provider", "--new-passphrase-file", str(new_file), "--yes")
    assert kraj(*change).code == 0
    assert sign("battery staple") == chain
    with pytest.raises(KrajError, match="KRJ310"):
        sign("correct horse")


def test_a_passphrase_is_changed_in_no_state_while_somebody_works_on_one(
    kraj: Kraj, centre: StateStore, project: Path, new_file: Path
) -> None:
    bela = StateStore(centre.bucket, "kraj-tenant", "liberecky.t999", project)
    for store in (centre, bela):
        save(store, network("front"))
    lock = {"pid": 7, "username": "eva", "hostname": "elsewhere", "timestamp": now()}
    bela.bucket.write(f"{bela.locks}kraj.json", json.dumps(lock).encode())
    change = ("state", "change-secrets-provider", "--new-passphrase-file", str(new_file), "--yes")
    outcome = kraj(*change)
    assert (outcome.code, "KRJ306" in outcome.err) == (1, True)
    assert password_of(centre, "correct horse") == Secret("canary")


def test_krajs_own_passphrase_file_changes_with_the_states_and_the_old_one_is_kept(
    kraj: Kraj, centre: StateStore, new_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(centre, network("front"))
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    assert centre.bucket.folder is not None
    own = centre.bucket.folder / "passphrase"
    own.write_text("correct horse\n", encoding="utf-8")
    change = ("state", "change-secrets-provider", "--new-passphrase-file", str(new_file), "--yes")
    done = kraj(*change, "--json").json
    assert own.read_text(encoding="utf-8") == "battery staple\n"
    assert own.stat().st_mode & 0o777 == 0o600
    old = Path(done["old_passphrase"])
    assert old.read_text(encoding="utf-8") == "correct horse\n"
    assert old.stat().st_mode & 0o777 == 0o600
    assert kraj("state", "verify").code == 0
