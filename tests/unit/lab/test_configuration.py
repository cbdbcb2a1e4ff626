"""Configuration files, read back by the parsers of those who read them."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest
import yaml
from supervisor.options import ServerOptions

from kraj.lab.configuration import FILES, write_configuration
from kraj.lab.services import all_services
from kraj.lab.settings import LabSettings, Passwords

BOTH = ("designate", "swift")


@pytest.fixture
def settings(tmp_path: Path) -> LabSettings:
    made = LabSettings(tmp_path / "50% lab", BOTH, 1000)
    made.claim()
    write_configuration(made)
    return made


def _read(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.read_string(path.read_text(encoding="utf-8"))
    return parser


def test_every_ini_file_is_well_formed_and_names_only_this_labs_ports(
    settings: LabSettings,
) -> None:
    known = {str(port) for port in settings.ports.values()}
    files = [path for path in settings.etc.rglob("*") if path.suffix in (".conf", ".ini")]
    read = [path for path in files if path.name not in ("rabbitmq.conf", "api-paste.ini")]
    assert len(read) > len(FILES)
    for path in read:
        parser = _read(path)
        for section in parser.sections():
            for name, value in parser.items(section):
                for part in value.split("127.0.0.1:")[1:]:
                    port = "".join(takewhile_digits(part))
                    assert port in known, f"{path.name} [{section}] {name}"


def takewhile_digits(text: str) -> list[str]:
    digits = []
    for character in text:
        if not character.isdigit():
            break
        digits.append(character)
    return digits


def test_compute_hosts_know_no_database(settings: LabSettings) -> None:
    api = _read(settings.etc / "nova" / "nova.conf")
    compute = _read(settings.etc / "nova" / "nova-compute.conf")
    assert {"database", "api_database"} <= set(api.sections())
    assert not {"database", "api_database"} & set(compute.sections())
    assert {*api.sections()} - {*compute.sections()} == {"database", "api_database"}


def test_each_compute_host_has_a_name_and_a_folder_of_its_own(settings: LabSettings) -> None:
    parsers = [_read(settings.etc / "nova" / f"compute{number}.conf") for number in (1, 2, 3)]
    hosts = [parser["DEFAULT"]["host"] for parser in parsers]
    folders = [Path(parser["DEFAULT"]["state_path"]) for parser in parsers]
    assert hosts == ["compute1", "compute2", "compute3"]
    assert len(set(folders)) == 3
    assert all(folder.is_dir() for folder in folders)


def test_files_with_passwords_are_readable_by_their_owner_only(settings: LabSettings) -> None:
    passwords = Passwords.of(settings)
    secrets = (passwords.admin, passwords.service, passwords.database, passwords.rabbitmq)
    holding = [
        path
        for path in settings.folder.rglob("*")
        if path.is_file() and any(secret in path.read_text() for secret in secrets)
    ]
    assert len(holding) > 10
    assert [path for path in holding if path.stat().st_mode & 0o077] == []


def test_every_folder_of_keys_is_the_labs(settings: LabSettings) -> None:
    keystone = _read(settings.etc / "keystone" / "keystone.conf")
    for section in ("fernet_tokens", "fernet_receipts", "credential"):
        assert Path(keystone[section]["key_repository"]).parent == settings.etc / "keystone"


def test_the_clouds_file_has_one_administrator_named_lab(settings: LabSettings) -> None:
    content = yaml.safe_load(settings.clouds_file.read_text())
    assert list(content["clouds"]) == ["lab"]
    auth = content["clouds"]["lab"]["auth"]
    assert auth["auth_url"] == "http://127.0.0.1:6000/v3"
    assert auth["password"] == Passwords.of(settings).admin


def test_supervisor_reads_every_service_as_it_was_meant(settings: LabSettings) -> None:
    options = ServerOptions()
    options.realize(["-c", str(settings.etc / "supervisord.conf")])
    read = {
        group.process_configs[0].name: group.process_configs[0]
        for group in options.process_group_configs
    }
    services = {service.name: service for service in all_services(settings)}
    assert read.keys() == services.keys()
    for name, service in services.items():
        assert read[name].command == service.command
        assert service.environment.items() <= read[name].environment.items()
        assert read[name].stopwaitsecs == service.stop_seconds


def test_the_same_settings_write_the_same_bytes(settings: LabSettings) -> None:
    before = _contents(settings)
    write_configuration(settings)
    assert _contents(settings) == before


def _contents(settings: LabSettings) -> dict[Path, bytes]:
    files = [path for path in settings.folder.rglob("*") if path.is_file()]
    return {path: path.read_bytes() for path in files}


def test_stores_of_the_users_take_the_place_of_the_labs(tmp_path: Path) -> None:
    settings = LabSettings(
        tmp_path / "lab",
        database_url="mysql://root:secret@db.example:3306/p_",
        transport_url="rabbit://kraj:sec$ret@mq.example:5672/kraj",
        memcached="cache.example:11211",
    )
    settings.claim()
    write_configuration(settings)
    nova = _read(settings.etc / "nova" / "nova.conf")
    assert nova["database"]["connection"].startswith(
        "mysql+pymysql://root:secret@db.example:3306/p_nova?"
    )
    # Doubled, because oslo.config takes a dollar sign for a reference.
    assert nova["DEFAULT"]["transport_url"] == "rabbit://kraj:sec$$ret@mq.example:5672/kraj"
    assert nova["keystone_authtoken"]["memcached_servers"] == "cache.example:11211"
    names = {service.name for service in all_services(settings)}
    assert not names & {"mariadb", "rabbitmq", "epmd", "memcached"}
