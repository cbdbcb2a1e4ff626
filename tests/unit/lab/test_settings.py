"""Settings of a lab: ports, stores of the user's, what is remembered and what is fixed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kraj.errors import KrajError
from kraj.lab.errors import BAD_SETTING, FOREIGN_FOLDER, SETTING_FIXED, UNKNOWN_SERVICE
from kraj.lab.settings import LARGEST_OFFSET, STANDARD_PORTS, LabSettings, Passwords

DATABASE = "mysql+pymysql://root:pass-word@db.example:3306/town_"
QUEUE = "rabbit://kraj:pass-word@mq.example:5672/kraj"


def test_the_offset_moves_every_port(tmp_path: Path) -> None:
    ports = LabSettings(tmp_path, port_offset=1000).ports
    assert ports == {name: port + 1000 for name, port in STANDARD_PORTS.items()}


def test_no_two_services_share_a_port() -> None:
    assert len(set(STANDARD_PORTS.values())) == len(STANDARD_PORTS)


def test_two_labs_with_offsets_of_10000_and_20000_do_not_meet(tmp_path: Path) -> None:
    labs = [LabSettings(tmp_path, port_offset=offset).ports for offset in (0, 10000, 20000)]
    assert len({port for ports in labs for port in ports.values()}) == 3 * len(STANDARD_PORTS)


def test_an_unknown_depth_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(KrajError) as caught:
        LabSettings(tmp_path, depth="deep")
    assert caught.value.code is BAD_SETTING
    assert "api, hosts, vm" in caught.value.hint


@pytest.mark.parametrize(("made", "asked"), [("", "hosts"), ("api", "hosts"), ("hosts", "api")])
def test_the_depth_of_a_lab_is_fixed_with_its_tables(tmp_path: Path, made: str, asked: str) -> None:
    saved = LabSettings(tmp_path, depth=made)
    assert LabSettings(tmp_path, depth=asked).joined(saved).depth == asked
    saved.tables.mkdir(parents=True)
    with pytest.raises(KrajError) as caught:
        LabSettings(tmp_path, depth=asked).joined(saved)
    assert caught.value.code is SETTING_FIXED
    assert LabSettings(tmp_path, depth=made or "api").joined(saved).boots == (made == "hosts")


@pytest.mark.parametrize("offset", [-1, LARGEST_OFFSET + 1])
def test_an_offset_beyond_the_last_port_is_refused(tmp_path: Path, offset: int) -> None:
    with pytest.raises(KrajError) as caught:
        LabSettings(tmp_path, port_offset=offset)
    assert caught.value.code is BAD_SETTING
    assert str(offset) in caught.value.message


def test_ports_of_services_that_do_not_run_are_not_claimed(tmp_path: Path) -> None:
    core = LabSettings(tmp_path).used_ports
    assert not {"designate", "mdns", "swift", "swift-object"} & core.keys()
    both = LabSettings(tmp_path, with_services=("designate", "swift")).used_ports
    assert both.keys() == STANDARD_PORTS.keys()


def test_ports_of_stores_of_the_users_are_not_claimed(tmp_path: Path) -> None:
    settings = LabSettings(
        tmp_path, database_url=DATABASE, transport_url=QUEUE, memcached="cache.example:11211"
    )
    assert not {"mariadb", "rabbitmq", "rabbitmq-distribution", "epmd", "memcached"} & (
        settings.used_ports.keys()
    )
    assert settings.database.url("nova") == (
        "mysql+pymysql://root:pass-word@db.example:3306/town_nova?charset=utf8mb4"
    )
    assert settings.queue_url == QUEUE
    assert settings.cache == "cache.example:11211"


def test_an_unknown_service_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(KrajError) as caught:
        LabSettings(tmp_path, with_services=("heat",))
    assert caught.value.code is UNKNOWN_SERVICE
    assert "'heat'" in caught.value.message
    assert "designate, swift" in caught.value.hint


def test_settings_are_remembered_in_a_file_of_their_owner(tmp_path: Path) -> None:
    settings = LabSettings(tmp_path / "lab", ("swift",), 7, DATABASE, QUEUE, "127.0.0.1:11211")
    settings.claim()
    assert LabSettings.load(tmp_path / "lab") == settings
    assert (tmp_path / "lab" / "lab.json").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "lab").stat().st_mode & 0o777 == 0o700


def test_a_folder_without_a_lab_has_no_settings(tmp_path: Path) -> None:
    assert LabSettings.load(tmp_path) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"with_services": [], "unknown": 1}'])
def test_a_spoilt_settings_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "lab.json").write_text(text)
    with pytest.raises(KrajError) as caught:
        LabSettings.load(tmp_path)
    assert caught.value.code is BAD_SETTING
    assert str(tmp_path / "lab.json") in caught.value.message


def test_a_lab_keeps_its_ports_and_gains_services(tmp_path: Path) -> None:
    saved = LabSettings(tmp_path, ("designate",), 5000)
    joined = LabSettings(tmp_path, ("swift",)).joined(saved)
    assert joined == LabSettings(tmp_path, ("designate", "swift"), 5000)


@pytest.mark.parametrize(
    ("saved", "given", "told"),
    [
        ({"port_offset": 2}, {"port_offset": 1}, "port offset"),
        ({}, {"port_offset": 1}, "port offset"),
        ({}, {"database_url": DATABASE}, "database url"),
        ({"transport_url": QUEUE + "s"}, {"transport_url": QUEUE}, "transport url"),
        ({"memcached": "one.example:1"}, {"memcached": "two.example:1"}, "memcached"),
    ],
)
def test_ports_and_stores_of_a_lab_with_tables_cannot_change(
    tmp_path: Path, saved: dict[str, Any], given: dict[str, Any], told: str
) -> None:
    present, wanted = LabSettings(tmp_path, **saved), LabSettings(tmp_path, **given)
    # Before there are tables, a start that failed can be tried with others.
    assert wanted.joined(present) == wanted
    present.tables.mkdir(parents=True)
    with pytest.raises(KrajError) as caught:
        wanted.joined(present)
    assert caught.value.code is SETTING_FIXED
    assert told in caught.value.message
    assert "pass-word" not in caught.value.message
    assert LabSettings(tmp_path).joined(present) == present


def test_a_folder_with_other_files_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(KrajError) as caught:
        LabSettings(tmp_path).claim()
    assert caught.value.code is FOREIGN_FOLDER
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_socket_in_a_deep_folder_gets_a_short_path(tmp_path: Path) -> None:
    near = LabSettings(Path("/srv/lab"))
    assert near.socket("supervisor.sock") == Path("/srv/lab/run/supervisor.sock")
    deep = LabSettings(tmp_path / ("deep" * 30))
    assert len(str(deep.socket("supervisor.sock"))) < 90
    other = LabSettings(tmp_path / ("deep" * 31))
    assert deep.socket("supervisor.sock") != other.socket("supervisor.sock")


def test_passwords_are_made_once_and_differ_between_labs(tmp_path: Path) -> None:
    first, second = LabSettings(tmp_path / "one"), LabSettings(tmp_path / "two")
    made = Passwords.of(first)
    assert Passwords.of(first) == made
    assert Passwords.of(second).admin != made.admin
    assert (tmp_path / "one" / "passwords.json").stat().st_mode & 0o777 == 0o600


def test_no_password_is_printed_with_settings_or_passwords(tmp_path: Path) -> None:
    settings = LabSettings(tmp_path, database_url=DATABASE, transport_url=QUEUE)
    passwords = Passwords.of(LabSettings(tmp_path))
    shown = f"{settings!r} {passwords!r} {settings.database!r}"
    secrets = json.loads((tmp_path / "passwords.json").read_text()).values()
    assert not any(secret in shown for secret in (*secrets, "pass-word"))
