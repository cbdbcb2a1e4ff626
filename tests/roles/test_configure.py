"""`kraj configure` on real hosts: one is the bastion, the other a tenant's server behind it.

The region's states and the known host keys are written as `kraj up` and the first run would leave
them; everything after that is real: SSH, Ansible, what it changes, says and leaves behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from junitparser import JUnitXml

from kraj.configure.host_keys import KnownHosts
from kraj.configure.role_secrets import RegionSecrets
from kraj.planning.documents import ServerOutput, StackOutputs
from tests.canaries import found_in
from tests.documents import validate_document
from tests.roles.conftest import RoleHost
from tests.roles.hosts import Host
from tests.roles.machines import ROOT, USER
from tests.unit.configure.exports import write_state

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
]

PASSPHRASE = "canary-passphrase-of-the-test"
CODE = "563871"  #: of the tenant zelezny-brod
SECRET = RegionSecrets("liberecky", PASSPHRASE)(CODE, "records", "records__password")
KRAJ = Path(sys.executable).with_name("kraj")
END_SECONDS = 900.0  #: on a busy machine

BASE = """
- name: Say whose host it is
  ansible.builtin.copy: {content: "{{ kraj_stack }}\\n", dest: /etc/kraj-base, mode: "0644"}
"""
RECORDS = """
- name: Write the configuration
  ansible.builtin.template: {src: records.conf, dest: /etc/records.conf, mode: "0600"}
- name: Know where the states are, and the passphrase
  ansible.builtin.assert:
    that:
      - kraj_state_directory is directory
      - lookup('file', lookup('env', 'PULUMI_CONFIG_PASSPHRASE_FILE')) | length > 12
- name: Try something
  ansible.builtin.command: "false"
  changed_when: false
  ignore_errors: true
- name: Take a while
  ansible.builtin.command: "sleep {{ records__seconds | default(0) }}"
  changed_when: false
- name: Be right
  ansible.builtin.assert: {that: not (records__broken | default(false)), fail_msg: it is broken}
"""


@dataclass
class Finished:
    """What a command said, and what its processes showed meanwhile."""

    code: int
    out: str
    err: str
    commands: set[str] = field(default_factory=set)
    environments: set[str] = field(default_factory=set)

    @property
    def json(self) -> Any:
        return validate_document(json.loads(self.out))


@dataclass(frozen=True)
class Region:
    """A project whose bastion and one tenant's server stand."""

    folder: Path
    key: Path
    inside: Host

    @property
    def state(self) -> Path:
        return self.folder / "project" / ".kraj" / "regions" / "liberecky"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "temporary"),
            "KRAJ_PROJECT": str(self.folder / "project"),
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        }
        return subprocess.Popen(
            [str(KRAJ), "configure", "--identity", str(self.key), *arguments],
            env=variables,
            cwd=self.folder / "project",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> Finished:
        """Configure, and look at the processes meanwhile."""
        process = self.start(*arguments)
        finished = Finished(0, "", "")
        with watching(psutil.Process(process.pid), finished):
            finished.out, finished.err = process.communicate(timeout=END_SECONDS)
        finished.code = process.returncode
        return finished

    def variables(self, text: str) -> None:
        """What the region's own group_vars say."""
        folder = self.folder / "project" / "inventories" / "liberecky" / "group_vars"
        folder.mkdir(exist_ok=True)
        (folder / "all.yml").write_text(text)

    def files_with(self, *canaries: str) -> list[Path]:
        """Files that the commands have left, with any of these in them."""
        files = [Path(at, name) for at, _folders, names in os.walk(self.folder) for name in names]
        return [path for path in files if found_in(path.read_bytes(), list(canaries))]


@contextlib.contextmanager
def watching(kraj: psutil.Process, seen: Finished) -> Iterator[None]:
    """Take note of the command lines and environments of all processes below."""
    over = threading.Event()

    def look() -> None:
        own = kraj.cmdline()
        while not over.wait(0.1):
            with contextlib.suppress(psutil.Error):
                seen.commands.add(" ".join(kraj.cmdline()))
                for child in kraj.children(recursive=True):
                    with contextlib.suppress(psutil.Error):
                        command = child.cmdline()
                        if command and command != own:
                            seen.commands.add(" ".join(command))
                            seen.environments.add(repr(child.environ()))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def key_of(host: Host) -> str:
    public = host.machine.root / "etc/ssh/ssh_host_ed25519_key.pub"
    return " ".join(public.read_text().split()[:2])


def make_role(project: Path, name: str, tasks: str) -> None:
    (project / "roles" / name / "tasks").mkdir(parents=True)
    (project / "roles" / name / "tasks" / "main.yml").write_text(tasks)


@pytest.fixture(scope="module")
def region(
    shared_role_host: RoleHost, ssh_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Region:
    folder = tmp_path_factory.mktemp("configure")
    for name in ("project", "home", "temporary"):
        (folder / name).mkdir()
    project = folder / "project"
    own = project / "inventories" / "liberecky"
    (own / "tenants").mkdir(parents=True)
    source = ROOT / "inventories" / "liberecky"
    for name in ("region.yaml", "operators.pub", "tenants/zelezny-brod.yaml"):
        shutil.copy(source / name, own / name)
    for service in ("records", "map", "archive"):
        (project / "roles" / service).mkdir(parents=True)
        shutil.copy(ROOT / "roles" / service / "service.yaml", project / "roles" / service)
    (project / "playbooks").symlink_to(ROOT / "playbooks")
    make_role(project, "base", BASE)
    make_role(project, "records", RECORDS)
    (project / "roles/records/templates").mkdir()
    (project / "roles/records/templates/records.conf").write_text("[db]\n{{ records__password }}\n")
    (project / "roles/records/meta").mkdir()
    (project / "roles/records/meta/secrets.yml").write_text("records__password: Of the database\n")
    bastion, inside = (shared_role_host(name, memory_mib=256) for name in ("bastion", "inside"))
    stand(project, bastion, inside)
    return Region(folder, ssh_folder / "key", inside)


def stand(project: Path, bastion: Host, inside: Host) -> None:
    """Leave what `kraj up` leaves in the states, and a run before this one in the known keys."""
    gate = ServerOutput(
        pool="bastion",
        name="gate",
        id="i1",
        addresses=("192.0.2.1",),
        floating_address=bastion.address,
        login=USER,
    )
    records = ServerOutput(
        pool="records", name="records-1", id="i2", addresses=(inside.address,), login=USER
    )
    # Nobody is there: an address of the same network that no machine has.
    lost = inside.address.rsplit(".", 1)[0] + ".250"
    archive = ServerOutput(pool="archive", name="archive-1", id="i3", addresses=(lost,), login=USER)
    nothing: dict[str, Any] = {"networks": {}, "floating_addresses": {}, "load_balancers": {}}
    centre = StackOutputs(stack="centre", project_id="c", servers=(gate,), **nothing)
    servers = (records, archive)
    tenant = StackOutputs(stack="tenant:zelezny-brod", project_id="t", servers=servers, **nothing)
    write_state(project, "kraj-centre", "liberecky", centre)
    write_state(project, "kraj-tenant", f"liberecky.t{CODE}", tenant)
    known = KnownHosts.load(project / ".kraj" / "regions" / "liberecky" / "known_hosts")
    for server, host in ((gate, bastion), (records, inside), (archive, inside)):
        known.learn(server, (key_of(host),))
    known.save({})


@pytest.fixture(autouse=True)
def _nothing_broken(region: Region) -> None:
    region.variables("{}\n")


def test_servers_are_configured_through_the_bastion(region: Region) -> None:
    """The whole story on one pair of hosts: look, do, do again; nothing secret is left."""
    look = region.run("--check", "--diff", "--service", "records", "--json")
    assert look.code == 2, look.err
    assert look.json["changed"]
    assert not region.inside.testinfra.file("/etc/records.conf").exists
    assert not region.inside.testinfra.file("/etc/kraj-base").exists

    files = ("--events", "events.jsonl", "--junit", "junit.xml")
    done = region.run("--service", "records", "--service", "bastion", "--json", *files)
    assert done.code == 0, done.out + done.err
    document = done.json
    gate, records = document["hosts"]
    assert (gate["name"], gate["status"], gate["counts"]["changed"]) == ("gate", "changed", 1)
    assert (records["status"], records["counts"]["changed"]) == ("changed", 2)
    assert records["counts"]["ignored"] == 1
    assert records["roles"] == ["base", "records"]
    assert document["without_role"] == {"bastion": 1}
    assert region.inside.run("cat /etc/records.conf") == f"[db]\n{SECRET}"
    assert region.inside.run("cat /etc/kraj-base") == "tenant:zelezny-brod"
    assert any("-W [10." in command for command in done.commands)  # through the bastion

    events = [json.loads(line) for line in (region.folder / "project/events.jsonl").open()]
    told = [
        (e["subject"], e.get("operation"), e.get("resource"))
        for e in map(validate_document, events)
    ]
    assert ("records-1", "changed", "records : Write the configuration") in told
    assert ("gate", "changed", "base : Say whose host it is") in told
    suites = {
        suite.name: suite for suite in JUnitXml.fromfile(str(region.folder / "project/junit.xml"))
    }
    assert set(suites) == {"gate", "records-1"}
    assert suites["records-1"].failures == 0
    slowest = [item["seconds"] for item in document["slowest"]]
    assert slowest == sorted(slowest, reverse=True)
    assert slowest[0] > 0

    again = region.run("--service", "records", "--diff")
    assert again.code == 0, again.out + again.err
    assert "~" not in again.out
    for finished in (look, done, again):
        canaries = [SECRET, PASSPHRASE]
        assert found_in((finished.out + finished.err).encode(), canaries) == []
        assert [text for text in finished.commands if found_in(text.encode(), canaries)] == []
        assert [text for text in finished.environments if found_in(text.encode(), canaries)] == []
        assert finished.environments
    assert region.files_with(SECRET, PASSPHRASE) == []
    assert not list((region.state / "configure").glob("run-*"))
    log = region.inside.run("journalctl --no-pager --output=cat")
    assert found_in(log.encode(), [SECRET]) == []
    assert region.inside.run(f"find /root/.ansible /home/{USER}/.ansible -type f || true") == ""


def test_a_failing_task_is_named_with_server_and_place(region: Region) -> None:
    region.variables("records__broken: true\n")
    failed = region.run("--service", "records", "--json")
    assert failed.code == 1
    (records,) = failed.json["hosts"]
    assert records["status"] == "failed"
    error = records["error"]
    assert error["code"] == "KRJ843"
    assert error["message"] == "records-1: records : Be right: it is broken"
    assert (error["file"], error["line"]) == (
        "roles/records/tasks/main.yml",
        RECORDS.splitlines().index("- name: Be right") + 1,
    )
    shown = region.run("--service", "records")
    assert shown.code == 1
    assert "error[KRJ843]: records-1: records : Be right: it is broken" in shown.err
    assert "--> roles/records/tasks/main.yml:" in shown.err


def test_a_server_that_is_not_there_is_named_and_the_others_are_configured(region: Region) -> None:
    partly = region.run("--only", "tenant:zelezny-brod", "--json")
    assert partly.code == 1
    hosts = {host["name"]: host for host in partly.json["hosts"]}
    assert hosts["records-1"]["status"] == "ok"
    assert hosts["archive-1"]["status"] == "unreachable"
    error = hosts["archive-1"]["error"]
    assert error["code"] == "KRJ842"
    assert error["message"].startswith("archive-1: ")
    assert partly.json["without_role"] == {"archive": 1}


def test_a_server_that_shows_another_key_is_refused(region: Region) -> None:
    known = region.state / "known_hosts"
    before = known.read_text()
    other = region.folder / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    kept = key_of(region.inside)
    replaced = " ".join(other.with_suffix(".pub").read_text().split()[:2])
    try:
        known.write_text(before.replace(kept, replaced))
        refused = region.run("--service", "records", "--json")
        assert known.read_text() == before.replace(kept, replaced)
    finally:
        known.write_text(before)
    assert refused.code == 1
    error = refused.json["hosts"][0]["error"]
    assert error["code"] == "KRJ845"
    assert f"ssh-keygen -f {known} -R records-1" in error["hint"]


def test_stopped_it_leaves_no_process_and_no_secret(region: Region) -> None:
    region.variables("records__seconds: 120\n")
    process = region.start("--service", "records", "--events", "stopped.jsonl")
    events = region.folder / "project/stopped.jsonl"
    deadline = time.monotonic() + END_SECONDS
    while "Take a while" not in (events.read_text() if events.exists() else ""):
        assert time.monotonic() < deadline, "the task has not begun"
        assert process.poll() is None, process.communicate()
        time.sleep(0.2)
    (folder,) = (region.state / "configure").glob("run-*")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert not (folder / "inventory" / "secrets.json").exists()  # Ansible has read it
    busy = region.run("--service", "records")
    assert (busy.code, "KRJ848" in busy.err) == (1, True)
    below = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    _out, err = process.communicate(timeout=END_SECONDS)
    assert process.returncode == 130, err
    assert "KRJ798" in err
    _gone, alive = psutil.wait_procs(below, timeout=120)
    assert alive == []
    assert not folder.exists()
    assert region.files_with(SECRET) == []
