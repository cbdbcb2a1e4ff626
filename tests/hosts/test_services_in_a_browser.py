"""What a town gets: its clerk files a document in a browser, and a visitor sees a map.

A region of its own is provisioned with servers that boot from kraj's own images, configured, proved
from inside, and used. The pictures of docs/pictures are made here: KRAJ_PICTURES=docs/pictures.
The tests tell one story, in their order. Takes half an hour; for `make test-all`.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from kraj.lab import Lab
from tests.hosts.conftest import until
from tests.hosts.operators import Operators, begin_live_region
from tests.lab.command_line import (
    KRAJ,
    ROOT,
    Finished,
    Region,
    write_yaml,
)
from tests.roles.records_client import pdf

CHROMIUM = "/usr/bin/chromium"
pytestmark = [
    pytest.mark.hosts,
    pytest.mark.slow,
    pytest.mark.skipif(
        not Path(CHROMIUM).exists(), reason=f"no {CHROMIUM} (Debian: apt-get install chromium)"
    ),
    pytest.mark.skipif(
        shutil.which("certutil") is None, reason="no `certutil` (Debian: libnss3-tools)"
    ),
]

REGION = f"town-{secrets.token_hex(2)}"
RECORDS, MAP = "zelezny-brod", "turnov"
ADDRESS = f"https://records.{RECORDS}.{REGION}.example"
IMAGES = ("base", "records", "map")
BUILD_SECONDS = 1800
UP_SECONDS = CONFIGURE_SECONDS = 1800
BROWSER_MILLISECONDS = 60_000
#: Of Mayan EDMS's pages: where files are dropped, the wizard's step, and another step than before.
UPLOAD, STEP = ".dropzone", "[name$=current_step]"
NEXT_STEP = """([upload, step, before]) => {
  const now = document.querySelector(step);
  return document.querySelector(upload) || (now && now.value !== before);
}"""


@pytest.fixture(scope="module")
def region(
    hosts_lab: Lab, cloud: Any, key: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Region]:
    """A centre, a town with records and one with maps, on images that are kept between runs."""
    folder = tmp_path_factory.mktemp("project")
    made, content = begin_live_region(
        *(hosts_lab, cloud, folder, REGION, (RECORDS, MAP)),
        linked=("roles", "stacks", "playbooks"),
    )
    content["clouds"][0] |= {
        "boot_images": "built",
        "public_key": key.with_suffix(".pub").read_text(encoding="utf-8").strip(),
    }
    (folder / ".kraj").mkdir()
    images = ROOT / ".kraj" / "images"
    images.mkdir(parents=True, exist_ok=True)
    (folder / ".kraj" / "images").symlink_to(images)
    write_yaml(made.file("region.yaml"), content)
    services = {RECORDS: {"service": "records", "storage": "10 GiB"}, MAP: {"service": "map"}}
    for slug, order in services.items():
        made.edit(f"tenants/{slug}.yaml", services=[{**order, "size": "small"}])
    yield made
    made.kraj("down", "--yes")


def patiently(region: Region, seconds: int, *arguments: str) -> Finished:
    """A command that takes its time, and must succeed."""
    done = subprocess.run(
        [*KRAJ, *arguments],
        cwd=region.folder,
        env=region.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Finished(done.returncode, done.stdout, done.stderr)


def test_images_are_built_tested_and_published(region: Region) -> None:
    patiently(region, BUILD_SECONDS, "image", "build", *IMAGES, "--format", "root")
    for name in IMAGES:
        region.good("image", "test", name)
        region.good("image", "publish", name, "--format", "root")


def test_servers_boot_from_them_and_are_configured(region: Region, key: Path) -> None:
    patiently(region, UP_SECONDS, "up", "--yes")
    document = patiently(
        region, CONFIGURE_SECONDS, "configure", "--identity", str(key), "--json"
    ).json
    assert {host["status"] for host in document["hosts"]} <= {"ok", "changed"}, document


def test_a_second_run_changes_nothing(region: Region, key: Path) -> None:
    document = patiently(
        region, CONFIGURE_SECONDS, "configure", "--identity", str(key), "--json"
    ).json
    changed = [
        (host["name"], task["task"]["role"], task["task"]["name"])
        for host in document["hosts"]
        for task in host["tasks"]
        if task["outcome"] == "changed"
    ]
    assert changed == []


def test_everything_is_proved_from_inside_and_from_outside(region: Region, key: Path) -> None:
    document = patiently(
        region, CONFIGURE_SECONDS, "verify", "--inside", "--identity", str(key), "--json"
    ).json
    found = [check for stack in document["stacks"] for check in stack["checks"]]
    answering = {check["subject"] for check in found if check["id"] == "service.answers"}
    assert answering == {
        f"records.{RECORDS}.{REGION}.example",
        f"map.{MAP}.{REGION}.example",
    }
    assert any(check["id"].startswith("inside.records.") for check in found)
    assert any(check["id"].startswith("inside.map.") for check in found)


def test_what_somebody_breaks_is_found_named_and_mended(
    region: Region, cloud: Any, key: Path
) -> None:
    """A service stopped, a port opened, a certificate that ends, a full disk, a rule removed."""
    operators = Operators(region, key)
    on = operators.told
    primary = _by_name(operators.outputs(f"tenant:{RECORDS}"))[0]
    web, spare = _by_name(operators.outputs(f"tenant:{MAP}"))[:2]
    on(web, "sudo systemctl stop nginx.service")
    on(web, "sudo systemd-run --quiet --unit=stranger python3 -m http.server 9090")
    own = f"/etc/ssl/kraj/{spare['name']}"
    subject = "-days 1 -subj /CN=map -addext subjectAltName=DNS:map"
    on(spare, f"sudo openssl req -x509 -key {own}.key {subject} -out {own}.crt 2>&1")
    data = primary["volumes"][0]["path"]
    free = on(primary, f"df --output=avail --block-size=1 {data} | tail -n 1")
    on(primary, f"sudo fallocate --length {free} {data}/full")
    gone = _remove_a_rule(cloud, web)

    verify = ("verify", "--inside", "--identity", str(key))
    finished = region.kraj(*verify, "--json")
    assert finished.code == 1
    failed = {
        (check["id"], check["subject"])
        for stack in finished.json["stacks"]
        for check in stack["checks"]
        if check["status"] == "failed"
    }
    assert {
        ("inside.reverse_proxy.nginx_runs_and_starts_with_the_host", web["name"]),
        ("inside.base.nothing_listens_that_the_firewall_does_not_let_in", web["name"]),
        ("inside.certificates.no_certificate_ends_within_three_days", spare["name"]),
        ("inside.base.file_systems_have_room", primary["name"]),
        ("rules.same", gone),
    } <= failed
    assert {name for check, name in failed if check.startswith("inside.")} == {
        web["name"], spare["name"], primary["name"],
    }  # fmt: skip

    on(web, "sudo systemctl stop stranger.service")
    on(primary, f"sudo rm {data}/full")
    region.good("up", "--refresh", "--only", f"tenant:{MAP}", "--yes")
    patiently(region, CONFIGURE_SECONDS, "configure", "--only", f"tenant:{MAP}", *verify[2:])
    patiently(region, CONFIGURE_SECONDS, *verify)


def _by_name(outputs: dict[str, Any]) -> list[dict[str, Any]]:
    return sorted(outputs["servers"], key=lambda server: str(server["name"]))


def _remove_a_rule(cloud: Any, server: dict[str, Any]) -> str:
    """Take away a rule that lets people in; the name of its group."""
    for port in cloud.network.ports(device_id=server["id"]):
        for group in map(cloud.network.get_security_group, port.security_group_ids):
            for rule in cloud.network.security_group_rules(security_group_id=group.id):
                if rule.direction == "ingress" and rule.port_range_min == 443:
                    cloud.network.delete_security_group_rule(rule)
                    return str(group.name)
    pytest.fail(f"no rule for port 443 on {server['name']}")


@pytest.fixture(scope="module")
def browser(region: Region, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """A browser that finds the services by their names and trusts the region's authority."""
    home = tmp_path_factory.mktemp("home")
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    authority = region.folder / ".kraj" / "regions" / REGION / "authority" / "authority.crt"
    certutil = ("certutil", "-d", f"sql:{store}")
    subprocess.run([*certutil, "-N", "--empty-password"], check=True)
    subprocess.run([*certutil, "-A", "-t", "C,,", "-n", REGION, "-i", authority], check=True)
    rules = [
        f"MAP {service}.{slug}.{REGION}.example {_address(region, slug, service)}"
        for slug, service in ((RECORDS, "records"), (MAP, "map"))
    ]
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", f"--host-resolver-rules={', '.join(rules)}"],
            env={**os.environ, "HOME": str(home)},
        )
        context = running.new_context(viewport={"width": 1280, "height": 800}, locale="cs-CZ")
        context.set_default_timeout(BROWSER_MILLISECONDS)
        yield context
        running.close()


def _address(region: Region, slug: str, service: str) -> str:
    label = f"tenant:{slug}"
    stacks = region.good("outputs", "--only", label, "--json").json["stacks"]
    return str(stacks[label]["document"]["floating_addresses"][service])


def _picture(page: Page, name: str) -> None:
    """Keep what is on the screen, for the documentation, where that is asked for."""
    folder = os.environ.get("KRAJ_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_a_clerk_files_a_document_and_finds_it_by_its_text(
    region: Region, browser: BrowserContext
) -> None:
    page = _signed_in(region, browser)
    page.goto(f"{ADDRESS}/#/sources/sources/documents/wizard/")
    types = page.locator("[name=document_type_selection-document_type]")
    types.select_option(label="Došlá pošta")
    while page.locator(UPLOAD).count() == 0:
        step = page.locator(STEP).first.get_attribute("value")
        page.locator("#ajax-content button[type=submit]").last.click()
        page.wait_for_function(NEXT_STEP, arg=[UPLOAD, STEP, step])
    letter = pdf("Complaint about the Jizera footbridge")
    page.locator("input.dz-hidden-input").set_input_files(
        {"name": "stiznost.pdf", "mimeType": "application/pdf", "buffer": letter}
    )
    page.locator(".dz-success").first.wait_for()
    _finds_the_letter(page)
    _picture(page, "records-found")


def _signed_in(region: Region, browser: BrowserContext) -> Page:
    """The start page of the records service, as its administrator sees it."""
    label = f"tenant:{RECORDS}"
    secret = region.good("secret", "show", label, "records__admin_password", "--json").json
    page = browser.new_page()

    def asked() -> bool:
        # The load balancer looks for a server that is back every few seconds.
        page.goto(ADDRESS)
        page.wait_for_load_state("networkidle")
        return page.locator("[name=username]").count() > 0

    until(asked, "people are asked to sign in")
    page.fill("[name=username]", "admin")
    page.fill("[name=password]", secret["value"])
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/#/home/")
    return page


def _finds_the_letter(page: Page) -> None:
    def found() -> bool:
        page.goto("about:blank")
        model = "documents.documentsearchresult"
        page.goto(f"{ADDRESS}/#/search/results/?_search_model_pk={model}&q=footbridge")
        page.wait_for_load_state("networkidle")
        return page.get_by_text("D 00001/").count() > 0

    until(found, "the letter is found by a word in it, under its number")
    expect(page.get_by_role("link", name="stiznost.pdf")).to_be_visible()


def test_a_visitor_sees_the_map_of_the_other_town(browser: BrowserContext) -> None:
    page = browser.new_page()
    with page.expect_response(lambda answer: "GetMap" in answer.url and answer.ok) as picture:
        page.goto(f"https://map.{MAP}.{REGION}.example/")
    assert picture.value.headers["content-type"].startswith("image/")
    expect(page.get_by_role("heading", name="Mapový server: Turnov")).to_be_visible()
    page.wait_for_load_state("networkidle")
    _picture(page, "map")


def test_documents_outlive_their_server(
    region: Region, cloud: Any, key: Path, browser: BrowserContext
) -> None:
    """Somebody deletes the server: a new one takes over its volume, and with it the documents."""
    label = f"tenant:{RECORDS}"
    lost = _by_name(Operators(region, key).outputs(label))[0]
    server = cloud.compute.get_server(lost["id"])
    cloud.compute.delete_server(server)
    cloud.compute.wait_for_delete(server, interval=0.5)
    patiently(region, UP_SECONDS, "up", "--refresh", "--yes", "--only", label)
    made = _by_name(Operators(region, key).outputs(label))[0]
    assert (made["name"], made["addresses"]) == (lost["name"], lost["addresses"])
    assert made["id"] != lost["id"]
    assert made["volumes"] == lost["volumes"]
    patiently(region, CONFIGURE_SECONDS, "configure", "--only", label, "--identity", str(key))
    browser.clear_cookies()
    _finds_the_letter(_signed_in(region, browser))
