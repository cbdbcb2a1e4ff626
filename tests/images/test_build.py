"""Images are built, are the same when they are built again, boot, and tell what is wrong."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from kraj.errors import KrajError
from kraj.events import Event, ignore
from kraj.images.archive import Mirror
from kraj.images.building import build_layers
from kraj.images.comparing import compare
from kraj.images.contents import packages_of
from kraj.images.disk import PROGRAMS as DISK_PROGRAMS
from kraj.images.errors import ROLE_FAILED
from kraj.images.finishing import BILL_FILE, LIST_FILE, Version
from kraj.images.listing import digest_of_listing, listing
from kraj.images.store import ImageStore
from kraj.images.tools import missing
from kraj.images.virtual import EFI_PROGRAMS, PROGRAMS, boot_disk
from kraj.model.service import HealthCheck
from tests.images.conftest import Workshop

pytestmark = pytest.mark.root

#: A service on port 8080 that starts by itself.
TASKS = """\
- name: Write the page
  ansible.builtin.copy:
    dest: /srv/index.html
    content: hello
    mode: "0644"

- name: Describe the service
  ansible.builtin.copy:
    dest: /etc/systemd/system/hello.service
    content: |
      [Service]
      ExecStart=/usr/bin/python3 -m http.server 8080 --directory /srv
      [Install]
      WantedBy=multi-user.target
    mode: "0644"

- name: Start the service
  ansible.builtin.systemd_service:
    name: hello
    enabled: true
    state: started
    daemon_reload: true
  when: kraj_phase == "image"
"""
BROKEN = """
- name: Describe a unit that fails
  ansible.builtin.copy:
    dest: /etc/systemd/system/broken.service
    content: |
      [Service]
      Type=oneshot
      ExecStart=/bin/false
      [Install]
      WantedBy=multi-user.target
    mode: "0644"

- name: Enable it
  ansible.builtin.systemd_service:
    name: broken
    enabled: true
"""
HEALTH = HealthCheck(protocol="http", port=8080, path="/index.html")


def results(trial_checks: object) -> dict[str, str]:
    return {check.name: check.result for check in trial_checks}  # type: ignore[attr-defined]


def test_the_base_has_its_files_its_list_and_its_bill(workshop: Workshop, base: Version) -> None:
    manifest, folder = base.manifest, workshop.store.folder(base.manifest)
    info = subprocess.run(
        ["qemu-img", "info", "--output", "json", folder / manifest.outputs["root"].file],
        check=True,
        capture_output=True,
    )
    assert json.loads(info.stdout)["format"] == "qcow2"
    lines = gzip.decompress((folder / LIST_FILE).read_bytes()).decode().splitlines()
    assert len(lines) == manifest.file_count
    names = {package.name for package in manifest.packages}
    assert {"systemd", "cloud-init", "openssh-server", "python3-apt"} <= names
    bill = json.loads((folder / BILL_FILE).read_text())
    assert bill["bomFormat"] == "CycloneDX"
    assert {part["name"] for part in bill["components"]} == names
    assert sum(bool(part.get("licenses")) for part in bill["components"]) > len(names) // 2


def test_the_same_inputs_are_the_same_version_and_nothing_is_built(
    workshop: Workshop, base: Version
) -> None:
    again = workshop.build("base")
    assert base.built
    assert not again.built
    assert again.manifest == workshop.store.find("base")


def test_the_base_boots_well_and_is_sealed(workshop: Workshop, base: Version) -> None:
    trial = workshop.try_(base.manifest)
    failed = [check for check in trial.checks if check.result == "failed"]
    assert failed == []
    told = results(trial.checks)
    assert told["sealed"] == told["boots"] == told["all units run"] == told["ssh answers"]
    assert told["boots"] == "passed"
    assert workshop.store.find("base").trial == trial


def test_two_builds_of_the_same_inputs_are_the_same_tree(
    workshop: Workshop, base: Version, tmp_path: Path
) -> None:
    other = ImageStore(tmp_path / "other")
    built = build_layers("base", workshop.sources, other, Mirror.of_environment(), ignore)
    if built.recipe.digest != base.manifest.digest:
        pytest.skip("the archive has published something between the two builds")
    assert packages_of(built.tree) == base.manifest.packages
    assert digest_of_listing(listing(built.tree)) == base.manifest.tree_digest
    shutil.rmtree(other.root)


def test_a_service_stands_on_the_base_and_its_health_check_answers(
    workshop: Workshop, base: Version
) -> None:
    workshop.write("hello/service.yaml", "name: hello\n")
    workshop.write("hello/tasks/main.yml", TASKS)
    workshop.write(
        "hello/tests/test_image.py",
        "def test_page(host):\n    assert host.file('/srv/index.html').content == b'hello'\n",
    )
    events: list[Event] = []
    made = workshop.build("hello", events)
    assert made.manifest.cached == ("debian",)
    assert compare(base.manifest, made.manifest).changes == ()
    assert any("Write the page" in event.message for event in events)
    told = workshop.try_(made.manifest, HEALTH)
    found = results(told.checks)
    assert found.pop("disk boots by BIOS") == found.pop("disk boots by EFI") == "skipped"
    assert set(found.values()) == {"passed"}


@pytest.mark.slow
def test_the_disk_boots_in_a_virtual_machine(
    workshop: Workshop, base: Version, tmp_path: Path
) -> None:
    absent = missing(PROGRAMS | EFI_PROGRAMS | DISK_PROGRAMS)
    if absent:
        pytest.skip(f"not installed: {', '.join(absent)}")
    made = workshop.build("base", formats=("root", "disk"))
    told = {check.name: check for check in workshop.try_(made.manifest).checks}
    for firmware in ("BIOS", "EFI"):
        check = told[f"disk boots by {firmware}"]
        assert check.result == "passed", check.message

    disk = workshop.store.folder(made.manifest) / made.manifest.outputs["disk"].file
    broken = tmp_path / "disk.qcow2"
    shutil.copy(disk, broken)
    subprocess.run(["qemu-io", "-c", "write -z 0 2M", broken], check=True, capture_output=True)
    (fault,) = boot_disk(broken, "BIOS", tmp_path, seconds=20).faults("BIOS")
    assert "did not come up" in fault


def test_a_broken_unit_and_a_failing_test_are_found_and_named(
    workshop: Workshop, base: Version
) -> None:
    workshop.write("broken/service.yaml", "name: broken\n")
    workshop.write("broken/tasks/main.yml", TASKS.replace("8080", "8081") + BROKEN)
    workshop.write(
        "broken/tests/test_image.py",
        "def test_page(host):\n    assert host.file('/srv/index.html').content == b'bye'\n",
    )
    trial = workshop.try_(workshop.build("broken").manifest, HEALTH)
    checks = {check.name: check for check in trial.checks}
    assert not trial.passed
    assert checks["all units run"].message == "broken.service"
    assert "bye" in checks["tests of the role"].message
    assert checks["health check"].result == "skipped"
    assert "nothing listens on port 8080" in checks["health check"].message


def test_a_task_that_fails_is_named_with_what_it_said(workshop: Workshop, base: Version) -> None:
    workshop.write("wrong/service.yaml", "name: wrong\n")
    workshop.write(
        "wrong/tasks/main.yml",
        "- name: Fetch the moon\n  ansible.builtin.fail:\n    msg: it is too far\n",
    )
    with pytest.raises(KrajError, match="too far") as caught:
        workshop.build("wrong")
    assert caught.value.code is ROLE_FAILED
    assert "Fetch the moon" in caught.value.message
    assert "kraj-build-wrong" in caught.value.message
