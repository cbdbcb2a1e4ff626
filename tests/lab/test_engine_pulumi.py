"""The engine `pulumi` with the real command line and provider on a real OpenStack.

Skipped, with that said, where there is no `pulumi` command or no OpenStack plugin for it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import tarfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from kraj.engine.base import Operation, Result, StackSpec
from kraj.engine.local.engine import LocalEngine
from kraj.engine.pulumi import PulumiEngine, find_cli
from kraj.engine.pulumi_cli import CLI_VERSION
from kraj.engine.pulumi_install import (
    archive_name,
    find_plugin,
    install_cli,
    plugin_archive_name,
    plugin_version,
)
from kraj.engine.pulumi_workspace import ENVIRONMENT_BYTES
from kraj.errors import KrajError
from kraj.events import Event, EventKind, ignore
from tests.lab.conftest import LabCloud

CLI = find_cli()

pytestmark = [
    pytest.mark.lab,
    pytest.mark.pulumi,
    pytest.mark.skipif(CLI is None, reason="no `pulumi` command on PATH (`kraj engine install`)"),
    pytest.mark.skipif(
        find_plugin(plugin_version()) is None,
        reason=f"no openstack plugin {plugin_version()} (`kraj engine install`)",
    ),
]

PRELUDE = """
import pulumi
import pulumi_openstack as openstack
from helper import PREFIX
config = pulumi.Config("kraj")
"""

NETWORK = """
network = openstack.networking.Network("network", name=PREFIX + "network")
subnet = openstack.networking.Subnet(
    "subnet", name=PREFIX + "subnet", network_id=network.id, cidr="{cidr}", ip_version=4
)
pulumi.export("subnet", subnet.id)
pulumi.export("password", config.require_secret("password"))
pulumi.export("document", {{"title": config.require("title")}})
pulumi.log.warn("careful")
"""


@dataclass
class Bench:
    """A stack with its program, its state folder and what was reported."""

    root: Path
    cloud: LabCloud
    prefix: str
    environ: dict[str, str]
    events: list[Event] = field(default_factory=list)

    @property
    def state(self) -> Path:
        return self.root / "a state"  # a space, because people have them

    @property
    def engine(self) -> PulumiEngine:
        return PulumiEngine(self.state, environ=self.environ)

    @property
    def spec(self) -> StackSpec:
        return StackSpec(
            project="notes",
            stack="test.one",
            label="tenant:one",
            program=self.root / "stacks" / "notes",
            config={"openstack:cloud": self.cloud.name, "kraj:title": "Frýdlant"},
            secret_config={"kraj:password": "hush"},
            environment={"OS_CLIENT_CONFIG_FILE": str(self.cloud.clouds_file)},
        )

    def program(self, text: str) -> None:
        folder = self.spec.program
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "Pulumi.yaml").write_text("name: notes\nruntime: python\n")
        # A module beside the program: its import has to work from Pulumi's work folder too.
        (folder / "helper.py").write_text(f"PREFIX = {self.prefix!r}\n")
        (folder / "__main__.py").write_text(PRELUDE + text)

    def network(self, cidr: str = "192.168.77.0/24") -> None:
        self.program(NETWORK.format(cidr=cidr))

    def up(self, **options: Any) -> Result:
        return self.engine.up(self.spec, self.events.append, **options)

    def error(self, act: Callable[[], object]) -> KrajError:
        with pytest.raises(KrajError) as caught:
            act()
        return caught.value


@pytest.fixture
def bench(tmp_path: Path, lab_cloud: LabCloud) -> Iterator[Bench]:
    """Everything that the test leaves in the cloud is deleted by Pulumi itself."""
    prefix = f"kraj-pulumi-{uuid.uuid4().hex[:6]}-"
    # OpenStack's variables of this process must not reach program and provider.
    environ = {**os.environ, "OS_CLOUD": "nowhere", "OS_AUTH_URL": "http://127.0.0.1:9"}
    environ.pop("PULUMI_BACKEND_URL", None)
    bench = Bench(tmp_path, lab_cloud, prefix, environ)
    bench.network()
    yield bench
    bench.engine.destroy(bench.spec, ignore)


def operations(result: Result) -> dict[str, str]:
    return {step.name: step.operation.value for step in result.steps}


def test_a_stack_lives_from_preview_to_removal(bench: Bench) -> None:
    engine, spec = bench.engine, bench.spec
    preview = engine.preview(spec, bench.events.append)
    assert preview.counts == {Operation.CREATE: 3}
    assert preview.outputs["subnet"] == "[unknown]"
    assert not engine.exists(spec), "a preview leaves nothing behind"

    up = bench.up()
    assert operations(up)["subnet"] == "create"
    assert up.outputs["password"] == "[secret]"
    assert up.outputs["document"] == {"title": "Frýdlant"}
    assert "warning: careful" in up.diagnostics
    assert engine.outputs(spec) == up.outputs
    assert engine.outputs(spec, show_secrets=True)["password"] == "hush"

    again = engine.preview(spec, ignore, refresh=True)
    assert not again.has_changes
    assert again.counts == {Operation.SAME: 3}

    newest = engine.history(spec)[0]
    assert (newest.version, newest.kind, newest.result) == (1, "update", "succeeded")
    assert newest.changes == {"create": 3}
    assert newest.ended_at is not None
    assert newest.started_at <= newest.ended_at

    assert bench.error(lambda: engine.remove(spec)).code.code == "KRJ311"
    gone = engine.destroy(spec, ignore)
    assert set(operations(gone).values()) == {"delete"}
    engine.remove(spec)
    assert not engine.exists(spec)
    assert engine.outputs(spec) == {}
    assert engine.history(spec) == []
    assert not list((bench.state / "work").rglob("*.yaml"))


def test_nothing_is_written_beside_the_program_and_no_secret_lies_open(bench: Bench) -> None:
    bench.up()
    names = {path.name for path in bench.spec.program.iterdir()} - {"__pycache__"}
    assert names == {"Pulumi.yaml", "__main__.py", "helper.py"}
    for path in (path for path in bench.state.rglob("*") if path.is_file()):
        assert b"hush" not in path.read_bytes(), path
    exported = bench.engine.export_state(bench.spec)
    assert exported["version"] == 3
    assert "hush" not in json.dumps(exported)


def test_a_changed_range_is_one_replacement_that_names_its_cause(bench: Bench) -> None:
    bench.up()
    bench.network("192.168.78.0/24")
    bench.events.clear()
    result = bench.up()
    (step,) = (step for step in result.steps if step.operation is Operation.REPLACE)
    assert (step.name, list(step.replaced_by)) == ("subnet", ["cidr"])
    assert step.id
    done = [event for event in bench.events if event.kind is EventKind.DONE]
    assert ("replace", "subnet") in {
        (event.operation, event.resource.split("::")[-1]) for event in done
    }
    assert done[-1].details == {"changes": {"same": 2, "replace": 1}}


def test_a_change_by_hand_is_found_by_refresh_and_taken_back_by_up(bench: Bench) -> None:
    bench.up()
    with bench.cloud.connect() as cloud:
        network = cloud.network.find_network(f"{bench.prefix}network", ignore_missing=False)
        cloud.network.update_network(network, name=f"{bench.prefix}renamed")
    found = bench.engine.refresh(bench.spec, ignore, preview_only=True)
    assert operations(found) == {"network": "update", "subnet": "same"}
    result = bench.up(refresh=True)
    assert operations(result)["network"] == "update"
    (step,) = (step for step in result.steps if step.name == "network")
    assert list(step.changed) == ["name"]


def test_what_the_provider_refuses_is_shown_with_the_resource(bench: Bench) -> None:
    bench.program(
        'openstack.networking.Subnet("bad", network_id="none", cidr="192.168.7.0/24", ip_version=4)'
    )
    error = bench.error(bench.up)
    assert error.code.code == "KRJ303"
    assert "Subnet 'bad'" in error.message
    assert "not a valid UUID" in error.message
    assert "sdk-v2" not in error.message
    kinds = {event.kind for event in bench.events if event.resource.endswith("::bad")}
    assert kinds == {EventKind.STARTED, EventKind.FAILED}


@pytest.mark.parametrize(
    ("program", "code", "words"),
    [
        ('{}["key"]', "KRJ302", "KeyError: 'key'"),
        ("def x(: pass", "KRJ302", "SyntaxError: invalid syntax"),
        ('raise SystemExit("no document")', "KRJ302", "exit code: 1"),
        ('openstack.networking.Network("n", mtu="abc")', "KRJ304", "'n': mtu"),
        ('openstack.networking.get_network(name="no-such")', "KRJ302", "returned no results"),
        ('[openstack.networking.Network("n") for _ in "ab"]', "KRJ316", "two of"),
    ],
)
def test_a_faulty_program_is_told_from_other_failures(
    bench: Bench, program: str, code: str, words: str
) -> None:
    bench.program(program)
    error = bench.error(lambda: bench.engine.preview(bench.spec, ignore))
    assert error.code.code == code
    assert words in error.message
    assert not bench.engine.exists(bench.spec)


def test_a_protected_resource_is_not_deleted(bench: Bench) -> None:
    network = 'openstack.networking.Network("network", name=PREFIX + "n", opts={})'
    bench.program(network.format("pulumi.ResourceOptions(protect=True)"))
    bench.up()
    bench.program("")
    assert bench.error(bench.up).code.code == "KRJ305"
    error = bench.error(lambda: bench.engine.destroy(bench.spec, ignore))
    assert error.code.code == "KRJ305"
    assert "'network'" in error.message
    bench.program(network.format("None"))
    assert not bench.up().has_changes


def test_another_passphrase_is_refused(bench: Bench) -> None:
    bench.up()
    wrong = PulumiEngine(bench.state, environ={**bench.environ, "PULUMI_CONFIG_PASSPHRASE": "x"})
    calls = (
        lambda: wrong.up(bench.spec, ignore),
        lambda: wrong.destroy(bench.spec, ignore),
        lambda: wrong.outputs(bench.spec, show_secrets=True),
    )
    for call in calls:
        assert bench.error(call).code.code == "KRJ310"


def test_a_missing_plugin_is_named(bench: Bench) -> None:
    environ = {**bench.environ, "PULUMI_HOME": str(bench.root / "empty")}
    error = bench.error(lambda: PulumiEngine(bench.state, environ=environ).up(bench.spec, ignore))
    assert error.code.code == "KRJ351"
    assert plugin_version() in error.message


def test_a_locked_stack_names_who_works_on_it_and_a_dead_lock_does_not_stop(bench: Bench) -> None:
    folder = bench.state / ".pulumi" / "locks" / "organization" / "notes" / "test.one"
    folder.mkdir(parents=True)
    holder = {
        "pid": 17,
        "username": "eva",
        "hostname": "far",
        "timestamp": "2026-11-23T07:00:00Z",
    }
    (folder / "1.json").write_text(json.dumps(holder))
    error = bench.error(bench.up)
    assert error.code.code == "KRJ306"
    assert "eva@far" in error.message
    (folder / "1.json").write_text(
        json.dumps({**holder, "hostname": socket.gethostname(), "pid": 2**30})
    )
    assert "is dead" in bench.up().diagnostics[0]
    (folder / "2.json").write_text(json.dumps(holder))
    bench.engine.cancel(bench.spec)
    assert list(folder.glob("*.json")) == []


def test_ctrl_c_ends_a_run_in_order(bench: Bench) -> None:
    bench.program(
        "import time\n"
        'network = openstack.networking.Network("network", name=PREFIX + "n")\n'
        "network.id.apply(lambda _id: pulumi.runtime.is_dry_run() or time.sleep(90))\n"
    )
    created = threading.Event()

    def report(event: Event) -> None:
        if event.kind is EventKind.DONE and event.resource.endswith("::network"):
            created.set()

    def interrupt() -> None:
        created.wait(60)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    started = time.monotonic()
    error = bench.error(lambda: bench.engine.up(bench.spec, report))
    assert created.is_set()
    assert error.code.code == "KRJ307"
    assert error.details["interrupted"] is True
    assert time.monotonic() - started < 60, "the program would have slept for 90 seconds"
    bench.network()
    result = bench.up()  # nothing is left locked, and what was made is known
    assert operations(result)["network"] == "update"


def test_a_stack_is_stopped_from_another_thread(bench: Bench) -> None:
    bench.program("import time\ntime.sleep(60)")
    engine = bench.engine
    timer = threading.Timer(4, engine.stop)
    timer.start()
    error = bench.error(lambda: engine.up(bench.spec, ignore))
    assert error.code.code == "KRJ307"


def test_a_configuration_just_within_the_limit_reaches_the_program(bench: Bench) -> None:
    bench.program('pulumi.export("length", len(config.require("big")))')
    length = ENVIRONMENT_BYTES - 200
    spec = replace(bench.spec, config={**bench.spec.config, "kraj:big": "x" * length})
    assert bench.engine.preview(spec, ignore).outputs["length"] == length


def test_the_local_engine_takes_a_state_over_and_gives_it_back(bench: Bench) -> None:
    local = LocalEngine(bench.state, environ=bench.environ)
    bench.up()
    assert not local.preview(bench.spec, ignore).has_changes
    assert local.outputs(bench.spec, show_secrets=True)["password"] == "hush"
    bench.network("192.168.79.0/24")
    changed = local.up(bench.spec, ignore)
    assert operations(changed)["subnet"] == "replace"
    assert not bench.engine.preview(bench.spec, ignore, refresh=True).has_changes
    assert bench.engine.outputs(bench.spec) == changed.outputs
    assert [entry.kind for entry in bench.engine.history(bench.spec)] == ["update", "update"]


def test_an_export_can_be_imported_but_not_as_another_stack(bench: Bench) -> None:
    bench.up()
    engine, spec = bench.engine, bench.spec
    exported = engine.export_state(spec)
    engine.import_state(spec, exported)
    assert not engine.preview(spec, ignore).has_changes
    other = replace(spec, stack="test.two")
    assert bench.error(lambda: engine.import_state(other, exported)).code.code == "KRJ314"
    wrong = {**exported, "version": 9}
    assert bench.error(lambda: engine.import_state(spec, wrong)).code.code == "KRJ309"


def test_a_state_that_has_changed_since_the_export_is_not_replaced(bench: Bench) -> None:
    bench.up()
    engine, spec = bench.engine, bench.spec
    exported = engine.export_state(spec)
    engine.import_state(spec, exported, instead_of=exported)
    bench.network("192.168.79.0/24")
    bench.up()
    error = bench.error(lambda: engine.import_state(spec, exported, instead_of=exported))
    assert error.code.code == "KRJ318"
    assert not engine.preview(spec, ignore).has_changes


def test_the_real_command_is_installed_from_a_mirror_and_works(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert CLI is not None
    plugin = find_plugin(plugin_version())
    assert plugin is not None
    if CLI.version != CLI_VERSION:
        pytest.skip(f"the command here is {CLI.version}, kraj installs {CLI_VERSION}")
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    with tarfile.open(mirror / archive_name(), "w:gz", compresslevel=1) as tar:
        for program in sorted(CLI.path.parent.glob("pulumi*")):
            tar.add(program, f"pulumi/{program.name}")
    with tarfile.open(
        mirror / plugin_archive_name(plugin_version()), "w:gz", compresslevel=1
    ) as tar:
        tar.add(plugin, plugin.name)
    (mirror / "SHA256SUMS").write_text(
        "".join(
            f"{sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
            for path in mirror.glob("*.tar.gz")
        )
    )
    home = tmp_path / "home"
    monkeypatch.setenv("PULUMI_HOME", str(home))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    installed = install_cli(None, str(mirror), ignore)
    environ = {**bench.environ, "PULUMI_HOME": str(home), "PATH": "/usr/bin:/bin"}
    engine = PulumiEngine(bench.state, environ=environ)
    assert engine.version == installed.version == CLI_VERSION
    assert engine.preview(bench.spec, ignore).counts == {Operation.CREATE: 3}
