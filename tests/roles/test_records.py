"""The records service on a fresh host: a document is filed and found by its text, and comes back.

Takes some ten minutes, most of which installs it. For `make test-all`.
"""

from __future__ import annotations

import base64
import datetime
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.roles.conftest import RoleHost
from tests.roles.hosts import Host
from tests.roles.records_client import PASSWORD, Records, pdf, waited

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
]

NAME = "spisovka.zelezny-brod.kraj.internal"
#: A page as a scanner would give it: a picture of text in Czech.
SCAN = """
from PIL import Image, ImageDraw, ImageFont
font = ImageFont.truetype("/usr/share/fonts/type1/urw-base35/NimbusSans-Regular.t1", 48)
page = Image.new("L", (1400, 400), 255)
draw = ImageDraw.Draw(page)
draw.text((60, 80), "Žádost o povolení studny", font=font, fill=0)
draw.text((60, 200), "Pozemek Kopanina 4711", font=font, fill=0)
page.save("/root/scan.png")
"""


class Service:
    """The service on a host, with the values that it was made with."""

    def __init__(self, host: Host, project: Path) -> None:
        self.host = host
        self.variables: Mapping[str, Any] = {
            "kraj_region": "test",
            "kraj_tenant": "zelezny-brod",
            "kraj_addresses": [host.address],
            "certificates__state_directory": str(project),
            "records__server_names": [NAME],
            "records__admin_password": PASSWORD,
            "records__secret_key": secrets.token_hex(32),
            "records__database_password": "it's: a {pass} word",
            "records__redis_password": secrets.token_hex(16),
        }
        self.first = host.apply("records", self.variables)
        chain = project / "chain.pem"
        chain.write_text(host.run(f"cat /etc/ssl/kraj/{host.name}.chain"))
        self.api = Records(host.address, NAME, chain)


@pytest.fixture(scope="module")
def service(
    shared_role_host: RoleHost, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    host = shared_role_host("records", memory_mib=3072)
    project = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PULUMI_CONFIG_PASSPHRASE", secrets.token_hex(16))
        yield Service(host, project)


def test_a_second_run_changes_nothing_and_the_proofs_hold(service: Service) -> None:
    waited(service.api.healthy, 120, "the health page answers")
    again = service.host.apply("records", service.variables)
    assert again.tasks_changed == ()
    looked = service.host.apply("records", service.variables, check=True)
    assert looked.tasks_changed == ()
    service.host.prove("records")


def test_documents_are_numbered_and_found_by_their_text(service: Service) -> None:
    api, host = service.api, service.host
    host.run(f"/opt/mayan-edms/venv/bin/python -c '{SCAN}'")
    scan = base64.b64decode(host.run("base64 /root/scan.png"))
    letter = api.file("Došlá pošta", "letter.pdf", pdf("Complaint about the Jizera footbridge"))
    waited(lambda: letter in api.found("footbridge"), 300, "a letter is found by its text")
    picture = api.file("Stavební řízení", "scan.png", scan)
    waited(lambda: picture in api.found("Kopanina"), 300, "a scanned page is found by its text")
    assert picture in api.found("studny")
    assert picture not in api.found("footbridge")
    waited(lambda: api.metadata(picture).get("disposal_year"), 120, "the scan is registered")
    year = datetime.date.today().year
    assert api.metadata(letter) == {
        "registration_number": f"D 00001/{year}",
        "retention_class": "S/5",
        "disposal_year": str(year + 6),
    }
    assert api.metadata(picture)["registration_number"] == f"D 00002/{year}"
    assert api.metadata(picture)["retention_class"] == "A/5"
    labels = {item["full_path"] for item in api.results("cabinets/")}
    assert "101 Organizace činnosti / 101.1 Zastupitelstvo obce" in labels


def test_what_was_thrown_away_comes_back_from_the_backup(service: Service) -> None:
    api, host = service.api, service.host
    filed = api.file("Smlouva", "contract.pdf", pdf("Lease of the old mill"))
    waited(lambda: filed in api.found("mill"), 300, "the contract is found")
    host.run("records-backup /var/backups/records")
    api.delete(f"documents/{filed}/")
    api.delete(f"trashed_documents/{filed}/")
    later = api.file("Smlouva", "later.pdf", pdf("Sale of a meadow"))
    host.run("records-restore /var/backups/records")
    waited(api.healthy, 120, "the service is back")
    assert filed in api.found("mill")
    page = api.results(f"documents/{filed}/files/")[0]
    assert page["mimetype"] == "application/pdf"
    assert later not in {item["id"] for item in api.results("documents/")}
    again = host.apply("records", service.variables)
    assert again.tasks_changed == ()


def test_the_health_page_says_so_when_the_database_is_gone(service: Service) -> None:
    host, api = service.host, service.api
    assert api.healthy()
    host.run("systemctl stop postgresql.service 'postgresql@*.service'")
    waited(lambda: not api.healthy(), 60, "the health page notices")
    host.run("systemctl start postgresql.service")
    waited(api.healthy, 60, "the health page recovers")


def test_the_service_comes_back_after_a_reboot(service: Service) -> None:
    service.host.reboot()
    waited(service.api.healthy, 180, "the service answers after a reboot")
    service.host.prove("records")


def test_a_standby_takes_over_when_it_is_told_to(service: Service) -> None:
    host = service.host
    host.apply("records", {**service.variables, "records__primary": False})
    assert not service.api.healthy()
    host.prove("records")
    again = host.apply("records", {**service.variables, "records__primary": False})
    assert again.tasks_changed == ()
    host.apply("records", {**service.variables, "records__primary": True})
    waited(service.api.healthy, 180, "the standby took over")
    host.prove("records")
