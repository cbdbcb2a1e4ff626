"""`init_region`: a new region validates as it is, and nothing is ever overwritten."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kraj.errors import KrajError, KrajErrors
from kraj.model.loader import RegionFiles, load_region
from kraj.model.render import init_region
from tests.unit.model.region_folder import PROJECT

ROLES = PROJECT / "roles"


def start(folder: Path, **values: str) -> RegionFiles:
    given_values = {
        "name": folder.name,
        "title": "Kraj Vysočina",
        "nuts": "CZ063",
        "country": "CZ",
        **values,
    }
    made = init_region(folder, **given_values)
    assert sorted(path.name for path in made) == ["README.md", "operators.pub", "region.yaml"]
    assert all(path.is_file() for path in made)
    return load_region(folder, ROLES, {})


def test_a_new_region_validates_and_has_the_values_given(tmp_path: Path) -> None:
    region = start(tmp_path / "vysocina").region
    assert (region.name, region.title, region.nuts) == ("vysocina", "Kraj Vysočina", "CZ063")
    assert region.languages == ("cs", "en")
    assert region.network.ipv4.supernet == IPv4Network("10.64.0.0/12")


def test_a_second_region_gets_addresses_of_its_own(tmp_path: Path) -> None:
    one = start(tmp_path / "vysocina").region.network
    other = start(tmp_path / "zlinsky", nuts="CZ072").region.network
    assert not one.ipv4.supernet.overlaps(other.ipv4.supernet)
    assert one.ipv6 is not None
    assert other.ipv6 is not None
    assert one.ipv6.supernet != other.ipv6.supernet
    assert other.ipv6.supernet.subnet_of(IPv6Network("fd00::/8"))


def test_the_key_of_a_new_region_is_nobodys(tmp_path: Path) -> None:
    keys = [start(tmp_path / name).public_key for name in ("one", "two")]
    assert keys[0].split()[1] != keys[1].split()[1]
    assert "replace-me" in keys[0]
    assert not list(tmp_path.rglob("*key"))


def test_the_schemas_are_named_where_the_project_has_them(tmp_path: Path) -> None:
    (tmp_path / "docs" / "schema").mkdir(parents=True)
    folder = tmp_path / "inventories" / "vysocina"
    start(folder)
    first = (folder / "region.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=../../docs/schema/region.json"
    elsewhere = tmp_path / "elsewhere" / "deeper" / "vysocina"
    start(elsewhere)
    assert "language-server" not in (elsewhere / "region.yaml").read_text(encoding="utf-8")


def test_a_folder_with_files_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "vysocina"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(KrajError) as caught:
        start(folder)
    assert caught.value.code.code == "KRJ142"
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "vysocina").mkdir()
    start(tmp_path / "vysocina")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"nuts": "SK010"}, "'SK010' is not in the country 'CZ'"),
        ({"nuts": "Vysočina"}, "nuts: 'Vysočina' must be a NUTS code"),
        ({"country": "Czechia"}, "country: 'Czechia' must be two capital letters"),
        ({"time_zone": "Europe/Brno"}, "unknown time zone 'Europe/Brno'"),
        ({"title": ""}, "title: '' must be a text that is not empty"),
        ({"title": "a\nb"}, "must be one line without control characters"),
        ({"title": "a\x85\x1b"}, "must be one line without control characters"),
    ],
)
def test_a_wrong_value_leaves_no_folder_behind(
    tmp_path: Path, values: dict[str, str], message: str
) -> None:
    with pytest.raises(KrajErrors) as caught:
        start(tmp_path / "vysocina", **values)
    assert any(message in error.message for error in caught.value.errors)
    assert all(error.location is None for error in caught.value.errors)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["Vysočina", "../evil", "", "a b", 'x"'])
def test_a_name_that_is_no_slug_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(KrajError) as caught:
        init_region(tmp_path / "x", name=name, title="T", nuts="CZ063", country="CZ")
    assert caught.value.code.code == "KRJ127"
    assert list(tmp_path.iterdir()) == []


def test_the_name_must_be_the_folders(tmp_path: Path) -> None:
    with pytest.raises(KrajErrors) as caught:
        start(tmp_path / "vysocina", name="zlinsky")
    assert [error.code.code for error in caught.value.errors] == ["KRJ127"]


def test_a_parent_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(KrajError) as caught:
        start(tmp_path / "file" / "vysocina")
    assert caught.value.code.code == "KRJ140"


@settings(max_examples=40, deadline=None)
@given(
    title=st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=60).filter(
        lambda text: text.strip() != ""
    )
)
def test_any_title_is_written_so_that_it_is_read_again(
    title: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("inventories") / "vysocina"
    assert start(folder, title=title).region.title == title.strip()
