"""What bad input gets at the command line: every error exactly, and not a byte written.

Each case edits a small valid region with its ledger. The sign ‸ marks where the error points.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kraj.model.loader import load_region
from kraj.planning.addresses import Ledger
from kraj.planning.build import plan_region
from kraj.planning.ledger import ledger_to_text
from tests.unit.cli.conftest import Outcome
from tests.unit.cli.keystone import SERVICES, serving
from tests.unit.model.region_folder import Folder
from tests.unit.planning.regions import CLOUD

Kraj = Callable[..., Outcome]

REGION = "inventories/liberecky/region.yaml"
LEDGER = "inventories/liberecky/addresses.yaml"
TOWN = "inventories/liberecky/tenants/zelezny-brod.yaml"
VILLAGE = "inventories/liberecky/tenants/bela.yaml"

#: Commands that read the files; of these two, one that plans.
READING = (("region", "validate"), ("region", "show"), ("plan",), ("up", "--yes"))
TWO = READING[1:3]
PLANNING = READING[2:]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One expected error."""

    code: str
    place: str  #: `file:line:column`, or the file
    message: str
    hint: str

    @property
    def lines(self) -> list[str]:
        return [
            f"error[{self.code}]: {self.message}",
            f"  --> {self.place}",
            f"  hint: {self.hint}",
        ]

    def fits(self, error: dict[str, object]) -> bool:
        file, line, column = error["file"], error["line"], error["column"]
        place = f"{file}:{line}:{column}" if line else file
        found = (error["code"], place, error["message"], error["hint"])
        return found == (self.code, self.place, self.message, self.hint)


@pytest.fixture
def folder(project: Path) -> Folder:
    """The small region with its ledger."""
    made = Folder(project)
    _write_ledger(made)
    return made


@pytest.fixture
def cloud(project: Path) -> Iterator[None]:
    """A cloud that can be signed in to, named by clouds.yaml."""
    with serving() as address:
        (project / "clouds.yaml").write_text(
            f"clouds: {{lab: {{auth: {{auth_url: '{address}', username: admin, password: secret,"
            " project_name: admin, user_domain_name: Default, project_domain_name: Default}}}\n",
            encoding="utf-8",
        )
        yield


def _write_ledger(folder: Folder) -> None:
    files = load_region(folder.region, folder.roles, {})
    cloud = CLOUD.model_copy(update={"services": SERVICES})
    text = ledger_to_text(plan_region(files, Ledger(), cloud).ledger)
    (folder.root / LEDGER).write_text(text, encoding="utf-8")


def _content(folder: Path) -> dict[Path, bytes]:
    """Every file but the caches that libraries keep in the home folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in files if ".cache" not in path.parts}


def _check(
    kraj: Kraj, folder: Folder, commands: tuple[tuple[str, ...], ...], *expected: Refusal
) -> None:
    """Each command refuses with exactly these errors, as text and as JSON, and writes nothing."""
    before = _content(folder.root)
    lines = [line for refusal in expected for line in refusal.lines]
    if len(expected) > 1:
        lines.append(f"{len(expected)} errors")
    for command in commands:
        told = kraj(*command)
        assert (told.code, told.out) == (1, ""), command
        assert told.err.splitlines() == lines, command
        document = kraj(*command, "--json")
        assert (document.code, document.err) == (1, ""), command
        assert document.json["schema"] == "kraj.error/1"
        errors = document.json["errors"]
        assert len(errors) == len(expected)
        assert all(one.fits(error) for one, error in zip(expected, errors, strict=True)), errors
    assert _content(folder.root) == before


# --- one file -------------------------------------------------------------------------------------

SCHEMA_OF_REGION = "Correct the key or remove it; `kraj region schema region` prints the keys that"
UNITS = "Write the number and one of B, kB, MB, GB, TB, PB, KiB, MiB, GiB, TiB, PiB: `200 GiB`."
VALUE_OF_REGION = "Correct the value; `kraj region schema region` prints what is allowed."
VALUE_OF_TENANT = "Correct the value; `kraj region schema tenant` prints what is allowed."
NO_OVERLAP = "Choose ranges without common addresses."

#: file, text, replacement, code, message, hint
FAULTS = {
    "mistyped key": (
        REGION,
        "time_zone:",
        "‸time_zon:",
        "KRJ103",
        "unknown key 'time_zon' (did you mean 'time_zone'?)",
        f"{SCHEMA_OF_REGION} exist.",
    ),
    "unknown key": (
        TOWN,
        "population: 6082",
        "population: 6082\n‸colour: red",
        "KRJ103",
        "unknown key 'colour'",
        "The keys that exist here are name, kind, lau, nuts, company_id, population, contacts, "
        "cost_centre, services and quota.",
    ),
    "wrong unit": (
        TOWN,
        "records, size: small, storage: 40 GiB",
        "records, size: small, storage: ‸40 GIB",
        "KRJ106",
        "services[0].storage: '40 GIB' has the unknown unit 'GIB' (did you mean GiB?)",
        UNITS,
    ),
    "no unit": (
        REGION,
        "capacity: 16 TB ",
        "capacity: ‸16 ",
        "KRJ106",
        "storage.capacity: '16' has no unit: did you mean 16 GiB?",
        UNITS,
    ),
    "wrong type": (
        TOWN,
        "population: 6082",
        "population: ‸many",
        "KRJ105",
        "population: 'many' must be a whole number",
        VALUE_OF_TENANT,
    ),
    "list in place of a mapping": (
        REGION,
        'naming:\n  prefix: ""',
        "naming:\n  ‸- prefix",
        "KRJ105",
        "naming: a list must be a mapping of keys to values",
        VALUE_OF_REGION,
    ),
    "code without quotes": (
        TOWN,
        'lau: "563871"',
        "lau: ‸563871",
        "KRJ105",
        'lau: 563871 must be a text: put it in quotes, "563871"',
        VALUE_OF_TENANT,
    ),
    "bad YAML": (
        TOWN,
        "kind: extended-powers\nlau:",
        "kind: [extended-powers\nlau‸:",
        "KRJ101",
        "did not find expected ',' or ']' while parsing a flow sequence",
        "Mend the syntax at the place shown; an editor with YAML support marks it.",
    ),
    "key twice": (
        VILLAGE,
        "population: 270",
        "population: 270\n‸population: 271",
        "KRJ102",
        "the key 'population' is there twice",
        "Remove one of the two.",
    ),
    "unknown service": (
        TOWN,
        "service: map",
        "service: ‸mapp",
        "KRJ120",
        "unknown service 'mapp' (did you mean 'map'?)",
        "Correct the name, or define it first.",
    ),
    "one LAU code twice": (
        TOWN,
        '"563871"\ncompany',
        '‸"576972"\ncompany',
        "KRJ121",
        "the LAU code '576972' belongs to Bělá (bela) already",
        "Correct the one that is wrong, or remove the copy.",
    ),
    "one service ordered twice": (
        TOWN,
        "service: map, size: small, storage: 10 GiB}\n  - {service: archive",
        "service: archive, storage: 10 GiB}\n  - {service: ‸archive",
        "KRJ121",
        "the service 'archive' is ordered twice",
        "Correct the one that is wrong, or remove the copy.",
    ),
    "more than the service offers": (
        TOWN,
        "archive, storage: 50 GiB",
        "archive, storage: ‸50 TiB",
        "KRJ122",
        "50 TiB is outside the range of the service 'archive', 5 GiB to 2 TiB",
        "Order a size inside the range shown, or change the card's range.",
    ),
    "pools larger than the storage": (
        REGION,
        "capacity: 16 TB ",
        "capacity: ‸12 TB ",
        "KRJ125",
        "the pools add up to 14,901 GiB, which is more than the capacity of 12 TB (11,175 GiB)",
        "Make the pools smaller, or correct the capacity.",
    ),
    "floating addresses inside the supernet": (
        REGION,
        "ipv4: 198.51.100.0/24",
        "ipv4: ‸10.70.0.0/24",
        "KRJ124",
        "the floating network 10.70.0.0/24 overlaps the supernet 10.64.0.0/12",
        NO_OVERLAP,
    ),
    "centre's addresses used elsewhere": (
        REGION,
        "reserved: [10.64.240.0/20]",
        "reserved: [‸10.64.15.0/24]",
        "KRJ124",
        "the reserved range 10.64.15.0/24 overlaps 10.64.0.0/20, which is the centre's",
        NO_OVERLAP,
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_in_a_file_is_told_exactly_and_nothing_is_written(
    kraj: Kraj, folder: Folder, fault: tuple[str, str, str, str, str, str]
) -> None:
    file, old, new, code, message, hint = fault
    place = folder.edit(file, old, new)
    _check(kraj, folder, TWO, Refusal(code, place, message, hint))


def test_two_files_with_one_slug_are_refused(kraj: Kraj, folder: Folder) -> None:
    tenants = folder.region / "tenants"
    shutil.copy(tenants / "bela.yaml", tenants / "bela.yml")
    twin = Refusal(
        "KRJ121",
        VILLAGE.replace(".yaml", ".yml"),
        "the slug 'bela' has two files: bela.yml and bela.yaml",
        "Correct the one that is wrong, or remove the copy.",
    )
    _check(kraj, folder, TWO, twin)


def test_a_copied_tenant_is_told_every_identity_that_it_shares(kraj: Kraj, folder: Folder) -> None:
    copied = folder.region / "tenants" / "brod.yaml"
    shutil.copy(folder.root / TOWN, copied)
    # In the order of their slugs the copy comes first, so the original is told.
    hint = "Correct the one that is wrong, or remove the copy."
    _check(
        kraj,
        folder,
        READING,
        Refusal(
            "KRJ121",
            f"{TOWN}:4:6",
            "the LAU code '563871' belongs to Železný Brod (brod) already",
            hint,
        ),
        Refusal(
            "KRJ121",
            f"{TOWN}:5:13",
            "the identification number '00262633' belongs to Železný Brod (brod) already",
            hint,
        ),
    )


def test_supernets_of_two_regions_on_one_cloud_must_not_overlap(
    kraj: Kraj, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = folder.root / "inventories" / "ustecky"
    other.mkdir()
    text = (folder.root / REGION).read_text(encoding="utf-8")
    (other / "region.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("KRAJ_REGION", "liberecky")
    same = "of the region 'ustecky' on the same cloud"
    four, six = "10.64.0.0/12", "fd4c:5a05:1000::/44"
    _check(
        kraj,
        folder,
        READING,
        Refusal(
            "KRJ124",
            _place(folder, "‸10.64"),
            f"the supernet {four} overlaps {four} {same}",
            NO_OVERLAP,
        ),
        Refusal(
            "KRJ124",
            _place(folder, "‸fd4c"),
            f"the supernet {six} overlaps {six} {same}",
            NO_OVERLAP,
        ),
    )


def test_all_errors_of_all_files_come_at_once_in_their_order(kraj: Kraj, folder: Folder) -> None:
    edits = {
        "mistyped key": folder.edit(*FAULTS["mistyped key"][:3]),
        "no unit": folder.edit(*FAULTS["no unit"][:3]),
        "key twice": folder.edit(*FAULTS["key twice"][:3]),
        "wrong type": folder.edit(*FAULTS["wrong type"][:3]),
        "wrong unit": folder.edit(*FAULTS["wrong unit"][:3]),
    }
    expected = [Refusal(FAULTS[name][3], place, *FAULTS[name][4:]) for name, place in edits.items()]
    _check(kraj, folder, READING, *expected)


# --- planning -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("cloud")
def test_storage_over_the_pool_is_refused_with_the_largest_that_fits(
    kraj: Kraj, folder: Folder
) -> None:
    folder.edit_region(
        "- name: archive\n      capacity: 5 TB", "- name: archive\n      capacity: 54 GB"
    )
    folder.edit(VILLAGE, "storage: 5 GiB", "storage: 60 GiB")
    hint = "Order less, add capacity, or raise overcommit or lower headroom in region.yaml."
    _check(
        kraj,
        folder,
        PLANNING,
        Refusal(
            "KRJ210",
            f"{TOWN}:12:3",
            "zelezny-brod needs 50 GiB of storage pool archive; the largest that fits is 47 GiB",
            hint,
        ),
        Refusal(
            "KRJ210",
            f"{VILLAGE}:10:3",
            "bela needs 60 GiB of storage pool archive; the largest that fits is 47 GiB",
            hint,
        ),
    )


@pytest.mark.usefixtures("cloud")
def test_exhausted_prefixes_are_told_for_both_families_where_they_are_set(
    kraj: Kraj, folder: Folder
) -> None:
    folder.edit_region("tenant_prefix_length: 24", "tenant_prefix_length: 21")
    folder.edit_region("tenant_prefix_length: 64", "tenant_prefix_length: 57")
    four = folder.edit_region("10.64.0.0/12", "‸10.64.0.0/19")
    six = folder.edit_region("fd4c:5a05:1000::/44", "‸fd4c:5a05:1000::/55")
    _write_ledger(folder)
    text = (folder.root / VILLAGE).read_text(encoding="utf-8")
    text = text.replace("576972", "563536").replace("00275603", "00525511")
    (folder.region / "tenants" / "third.yaml").write_text(text, encoding="utf-8")
    hint = (
        "Enlarge the supernet, take longer tenant prefixes, or remove released entries of the "
        "ledger."
    )
    _check(
        kraj,
        folder,
        PLANNING,
        Refusal(
            "KRJ201",
            four,
            "10.64.0.0/19 has room for 0 more tenants of /21, but 1 need one",
            hint,
        ),
        Refusal(
            "KRJ201",
            six,
            "fd4c:5a05:1000::/55 has room for 0 more tenants of /57, but 1 need one",
            hint,
        ),
    )


@pytest.mark.usefixtures("cloud")
def test_a_prefix_too_small_for_the_orders_is_told_at_the_orders(
    kraj: Kraj, folder: Folder
) -> None:
    folder.edit_region("tenant_prefix_length: 24", "tenant_prefix_length: 27")
    (folder.root / LEDGER).unlink()
    _check(
        kraj,
        folder,
        PLANNING,
        Refusal(
            "KRJ204",
            f"{TOWN}:12:3",
            "zelezny-brod has blocks of addresses for map, records; 10.64.16.0/27 has room for 0",
            "Shorten tenant_prefix_length in region.yaml for new tenants, or order fewer services.",
        ),
    )


@pytest.mark.usefixtures("cloud")
def test_a_ledger_that_two_branches_have_written_is_told_line_by_line(
    kraj: Kraj, folder: Folder
) -> None:
    twice = folder.edit(LEDGER, "10.64.17.0/24", "‸10.64.16.0/24")
    line = twice.split(":")[1]
    refusal = Refusal(
        "KRJ202",
        f"{LEDGER}:{line}:3",
        "576972 (10.64.16.0/24) overlaps 563871 (10.64.16.0/24)",
        "Delete the entry that is not provisioned yet and run `kraj plan` again, or change the "
        "address plan back.",
    )
    _check(kraj, folder, PLANNING, refusal)


@pytest.mark.usefixtures("cloud")
def test_locked_writes_nothing_and_names_whose_addresses_are_missing(
    kraj: Kraj, folder: Folder
) -> None:
    hint = "Run `kraj plan` without --locked, review the change of addresses.yaml and commit it."
    commands = (("plan", "--locked"), ("up", "--yes", "--locked"))
    text = (folder.root / VILLAGE).read_text(encoding="utf-8")
    text = text.replace("576972", "563536").replace("00275603", "00525511")
    (folder.region / "tenants" / "third.yaml").write_text(text, encoding="utf-8")
    message = "the recorded addresses would change: third (563536), the centre"
    _check(kraj, folder, commands, Refusal("KRJ708", LEDGER, message, hint))
    (folder.root / LEDGER).unlink()
    message = (
        "the recorded addresses would change: third (563536), zelezny-brod (563871), "
        "bela (576972), the centre"
    )
    _check(kraj, folder, commands, Refusal("KRJ708", LEDGER, message, hint))


def _place(folder: Folder, marked: str) -> str:
    """Where a text is in region.yaml; ‸ stands before its first character."""
    return folder.edit_region(f"supernet: {marked[1:]}", f"supernet: {marked}")
