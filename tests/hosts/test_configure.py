"""`kraj configure` on a server that nobody has signed in to: its key comes from its console."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kraj.lab import Lab
from kraj.planning.documents import ServerOutput, StackOutputs
from tests.documents import validate_document
from tests.hosts.conftest import ROOT, USER, Server, Site
from tests.unit.configure.exports import write_state

pytestmark = pytest.mark.hosts

TASKS = """
- name: Say whose host it is
  ansible.builtin.copy: {content: "{{ kraj_tenant }}", dest: /etc/kraj-probe, mode: "0644"}
"""


def project_of(folder: Path, server: Server) -> Path:
    """A project whose tenant has that server, as far as its state tells."""
    own = folder / "inventories" / "liberecky"
    (own / "tenants").mkdir(parents=True)
    source = ROOT / "inventories" / "liberecky"
    for name in ("region.yaml", "operators.pub", "tenants/zelezny-brod.yaml"):
        shutil.copy(source / name, own / name)
    for service in ("records", "map", "archive"):
        (folder / "roles" / service).mkdir(parents=True)
        shutil.copy(ROOT / "roles" / service / "service.yaml", folder / "roles" / service)
    (folder / "roles" / "records" / "tasks").mkdir()
    (folder / "roles" / "records" / "tasks" / "main.yml").write_text(TASKS)
    (folder / "playbooks").symlink_to(ROOT / "playbooks")
    records = ServerOutput(
        pool="records",
        name="records-1",
        id=server.id,
        addresses=(server.address,),
        floating_address=server.floating,
        login=USER,
    )
    tenant = StackOutputs(
        stack="tenant:zelezny-brod",
        project_id="t",
        servers=(records,),
        networks={},
        floating_addresses={},
        load_balancers={},
    )
    write_state(folder, "kraj-tenant", "liberecky.t563871", tenant)
    return folder


def test_a_server_is_configured_by_the_key_that_its_console_shows(
    hosts_lab: Lab, site: Site, server: Server, tmp_path: Path
) -> None:
    project = project_of(tmp_path, server)

    def configure() -> Any:
        done = subprocess.run(
            [str(Path(sys.executable).with_name("kraj")), "configure", "--json",
             "--identity", str(site.folder / "key")],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "KRAJ_PROJECT": str(project),
                "OS_CLIENT_CONFIG_FILE": str(hosts_lab.settings.clouds_file),
            },
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return validate_document(json.loads(done.stdout))["hosts"][0]

    assert configure()["counts"]["changed"] == 1
    known = project / ".kraj" / "regions" / "liberecky" / "known_hosts"
    kept = {" ".join(line.split()[1:3]) for line in known.read_text().splitlines()[2:]}
    assert kept == {" ".join(key.split()[:2]) for key in server.host_keys()}
    assert server.ssh("cat /etc/kraj-probe") == "zelezny-brod"
    assert configure()["counts"]["changed"] == 0
