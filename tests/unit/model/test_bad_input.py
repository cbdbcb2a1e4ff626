"""What bad input gets: the code, the place, the value and the suggestion of every refusal."""

from __future__ import annotations

import shutil

import pytest

from kraj.model.sources import Sources
from tests.unit.model.region_folder import Folder

LIBEREC = "inventories/liberecky/tenants/liberec.yaml"
BEDRICHOV = "inventories/liberecky/tenants/bedrichov.yaml"


def test_the_small_region_is_valid(folder: Folder) -> None:
    files = folder.load()
    assert list(files.tenants) == ["bedrichov", "liberec"]
    assert list(files.services) == ["archive", "map", "records"]
    assert files.public_key.endswith("operators@liberecky.example")


# (text in region.yaml, replacement with the expected place marked, code, message)
REGION_FAULTS = [
    (
        "capacity: 16 TB ",
        "capacity: ‸16 ",
        "KRJ106",
        "storage.capacity: '16' has no unit: did you mean 16 GiB?",
    ),
    (
        "cost_centre:",
        "state: {url: ‸mysql://db/states}\ncost_centre:",
        "KRJ105",
        "state.url: 'mysql://db/states' must be a URL that begins with file://, s3:// or postgres://",
    ),
    (
        "cost_centre:",
        "state:\n  url: ‸postgres://kraj:hush@db.example/states\ncost_centre:",
        "KRJ108",
        "the URL has a password in it",
    ),
    (
        "ram: 1536 GiB",
        "ram: ‸1536 GIB",
        "KRJ106",
        "compute.ram: '1536 GIB' has the unknown unit 'GIB' (did you mean GiB?)",
    ),
    (
        "capacity: 16 TB ",
        "capacity: ‸15 TB ",
        "KRJ125",
        "the pools add up to 14,901 GiB, which is more than the capacity of 15 TB (13,969 GiB)",
    ),
    (
        "cost_centre:",
        "‸cost_center:",
        "KRJ103",
        "unknown key 'cost_center' (did you mean 'cost_centre'?)",
    ),
    (
        "regime: 5x12 ",
        '‸opens: "07:00" ',
        "KRJ104",
        "the key 'regime' is missing in service_hours: Days a week from Monday, `x`, hours a day",
    ),
    (
        "servers: 2, size: small, boot_volume: 20 GiB",
        "servers: 2, size: small, boot_volume: ‸4 GiB",
        "KRJ105",
        "the boot volume of 4 GiB is smaller than 8 GiB, which the image 'Debian 12' needs",
    ),
    (
        "availability_zones: [site-b]",
        "availability_zones: [‸site-a]",
        "KRJ121",
        "the availability zone 'site-a' is in the site 'liberec' already",
    ),
    (
        "- name: bulk",
        "- name: ‸fast",
        "KRJ121",
        "the pool 'fast' is there twice",
    ),
    (
        "ipv4: 198.51.100.0/24",
        "ipv4: ‸10.65.0.0/24",
        "KRJ124",
        "the floating network 10.65.0.0/24 overlaps the supernet 10.64.0.0/12",
    ),
    (
        "supernet: 10.64.0.0/12",
        "supernet: ‸10.64.3.0/12",
        "KRJ105",
        "network.ipv4.supernet: '10.64.3.0/12' must be the network's first address "
        "(did you mean '10.64.0.0/12'?)",
    ),
    (
        "supernet: fd4c:5a05:1000::/44",
        "supernet: ‸10.64.0.0/12",
        "KRJ105",
        "network.ipv6.supernet: '10.64.0.0/12' must be an IPv6 network, not an IPv4 one",
    ),
    (
        "tenant_prefix_length: 24",
        "tenant_prefix_length: ‸12",
        "KRJ105",
        "a /12 leaves no room for others in 10.64.0.0/12",
    ),
    (
        "reserved: [10.64.240.0/20]",
        "reserved: [10.64.240.0/20, ‸10.64.241.0/24]",
        "KRJ124",
        "the reserved range 10.64.241.0/24 overlaps 10.64.240.0/20",
    ),
    (
        "usable: 200",
        "usable: ‸300",
        "KRJ105",
        "300 addresses cannot be usable: 198.51.100.0/24 has 256",
    ),
    (
        "nuts: CZ051",
        "nuts: ‸SK051",
        "KRJ126",
        "'SK051' is not in the country 'CZ', whose NUTS codes begin with CZ",
    ),
    (
        "time_zone: Europe/Prague",
        "time_zone: ‸Europe/Praha",
        "KRJ120",
        "unknown time zone 'Europe/Praha' (did you mean 'Europe/Prague'?)",
    ),
    (
        "languages: [cs, en]",
        "languages: [cs, ‸english]",
        "KRJ105",
        "languages[1]: 'english' must be a BCP 47 language tag, such as cs or de-AT",
    ),
    (
        "email: hostmaster@liberecky.example",
        "email: ‸hostmaster",
        "KRJ105",
        "dns.email: 'hostmaster' must be an e-mail address",
    ),
    (
        "zone: liberecky.example. ",
        "zone: ‸liberecky.example ",
        "KRJ105",
        "dns.zone: 'liberecky.example' must be a domain name in lower case with the trailing dot, "
        "such as region.example.",
    ),
    (
        "currency: CZK",
        "currency: ‸Kč",
        "KRJ105",
        "prices.currency: 'Kč' must be three capital letters (ISO 4217), such as CZK",
    ),
    (
        "vcpu: 165",
        "vcpu: ‸-1",
        "KRJ105",
        "prices.vcpu: '-1': it must be an amount of money, such as 180 or 3.20",
    ),
    (
        "bulk: 0.95",
        "bulk: ‸.inf",
        "KRJ105",
        "prices.storage_gib.bulk: '.inf': it must be an amount of money, such as 180 or 3.20",
    ),
    (
        "{fast: 3.20, bulk: 0.95, archive: 0.60}",
        "‸{fast: 3.20, bulk: 0.95}",
        "KRJ105",
        "the pool 'archive' has no price",
    ),
    (
        "bulk: 0.95, archive: 0.60}",
        "bulk: 0.95, archive: 0.60, ‸slow: 1}",
        "KRJ120",
        "unknown pool 'slow'",
    ),
    (
        "records: {once: 15000",
        "‸record: {once: 15000",
        "KRJ120",
        "unknown service 'record' (did you mean 'records'?)",
    ),
    (
        "regime: 5x12",
        "regime: ‸5x25",
        "KRJ105",
        "service_hours.regime: '5x25' must be days a week, x, hours a day, such as 5x12",
    ),
    (
        'provided_until: "2028-06-30"',
        'provided_until: ‸"2028-06-31"',
        "KRJ105",
        "images[2].provided_until: '2028-06-31' must be a date, such as 2028-06-30, "
        "or one of none or notice",
    ),
    (
        'provided_until: "2028-06-30"\n    replace_frequency: monthly',
        'provided_until: "2028-06-30"\n    replace_frequency: ‸montly',
        "KRJ105",
        "images[2].replace_frequency: 'montly' must be one of yearly, quarterly, monthly, weekly, "
        "daily, critical_bug or never (did you mean 'monthly'?)",
    ),
    (
        "small: {flavor: SCS-2V-4}",
        "small: {flavor: ‸m1.small}",
        "KRJ105",
        "the flavour name 'm1.small' does not follow scs-0100, so `vcpus` and `ram` must be given",
    ),
    (
        "small: {flavor: SCS-2V-4}",
        "small: {flavor: SCS-2V-4, vcpus: ‸4}",
        "KRJ105",
        "vcpus is 4, but SCS-2V-4 means 2",
    ),
    (
        "image: Debian 12\n  public",
        "image: ‸Debian 11\n  public",
        "KRJ120",
        "unknown image 'Debian 11' (did you mean 'Debian 13'?)",
    ),
    (
        "servers: 2, size: small, boot_volume: 20 GiB",
        "servers: 2, size: ‸smal, boot_volume: 20 GiB",
        "KRJ120",
        "unknown size 'smal' (did you mean 'small'?)",
    ),
    (
        "image_mirror: ${KRAJ_IMAGE_MIRROR} ",
        "image_mirror: ‸/srv/${USER}/images ",
        "KRJ105",
        "image_mirror: '/srv/${USER}/images' must be a folder, a URL or one variable, "
        "such as ${NAME}",
    ),
    (
        "name: liberecky",
        "name: ‸liberecko",
        "KRJ127",
        "the region's name is 'liberecko', but its folder is 'liberecky'",
    ),
    (
        "headroom_percent: 5\n",
        "headroom_percent: ‸100\n",
        "KRJ105",
        "storage.pools[2].headroom_percent: '100' must be less than 100",
    ),
    (
        "vcpus: 384 ",
        'vcpus: ‸"384" ',
        "KRJ105",
        "compute.vcpus: '384' must be a whole number",
    ),
]


@pytest.mark.parametrize(("old", "new", "code", "message"), REGION_FAULTS)
def test_a_fault_in_the_region_file_is_told_where_it_is(
    folder: Folder, old: str, new: str, code: str, message: str
) -> None:
    place = folder.edit_region(old, new)
    assert str(folder.error()) == f"{place}: {code} {message}"


# (text in liberec.yaml, replacement with the expected place marked, code, message)
TENANT_FAULTS = [
    (
        "population: 103979",
        "‸popultion: 103979",
        "KRJ103",
        "unknown key 'popultion' (did you mean 'population'?)",
    ),
    (
        "size: medium, storage",
        "size: medium, ‸storge",
        "KRJ103",
        "unknown key 'storge' in services[0] (did you mean 'storage'?)",
    ),
    (
        "kind: extended-powers ",
        "kind: ‸extended-power ",
        "KRJ105",
        "kind: 'extended-power' must be one of extended-powers, authorised-office, basic, "
        "organisation or region (did you mean 'extended-powers'?)",
    ),
    (
        'lau: "563889"',
        "lau: ‸563889",
        "KRJ105",
        'lau: 563889 must be a text: put it in quotes, "563889"',
    ),
    (
        'lau: "563889"',
        'lau: ‸"56388"',
        "KRJ126",
        "the LAU code '56388' must be 6 digits in the country CZ",
    ),
    (
        'company_id: "00262978"',
        'company_id: ‸"00262979"',
        "KRJ126",
        "the identification number '00262979' is mistyped: its last digit, a check digit, "
        "should be 8",
    ),
    (
        "email: it@liberec.example",
        "email: ‸it.liberec.example",
        "KRJ105",
        "contacts[0].email: 'it.liberec.example' must be an e-mail address",
    ),
    (
        "service: records",
        "service: ‸recrods",
        "KRJ120",
        "unknown service 'recrods' (did you mean 'records'?)",
    ),
    (
        "size: medium, storage",
        "size: ‸medum, storage",
        "KRJ120",
        "unknown size 'medum' (did you mean 'medium'?)",
    ),
    (
        "storage: 200 GiB",
        "storage: ‸3 TiB",
        "KRJ122",
        "3 TiB is outside the range of the service 'records', 10 GiB to 2 TiB",
    ),
    (
        "storage: 200 GiB",
        "storage: ‸9 GiB",
        "KRJ122",
        "9 GiB is outside the range of the service 'records', 10 GiB to 2 TiB",
    ),
    (
        "storage: 200 GiB",
        "storage: ‸200",
        "KRJ106",
        "services[0].storage: '200' has no unit: did you mean 200 GiB?",
    ),
    (
        "service: archive, storage: 500 GiB",
        "service: archive, size: ‸small",
        "KRJ123",
        "the service 'archive' is shared, so an order has no size",
    ),
    (
        "service: map, size: small",
        "service: ‸records",
        "KRJ121",
        "the service 'records' is ordered twice",
    ),
    (
        "quota: {} ",
        "quota: {pools: {‸fats: 1 TiB}} ",
        "KRJ120",
        "unknown pool 'fats' (did you mean 'fast'?)",
    ),
]


@pytest.mark.parametrize(("old", "new", "code", "message"), TENANT_FAULTS)
def test_a_fault_in_a_tenant_file_is_told_where_it_is(
    folder: Folder, old: str, new: str, code: str, message: str
) -> None:
    place = folder.edit_tenant("liberec", old, new)
    assert str(folder.error()) == f"{place}: {code} {message}"


def test_a_municipality_without_its_code_is_refused(folder: Folder) -> None:
    folder.edit_tenant("bedrichov", 'lau: "563536"\n', "")
    assert str(folder.error()) == (
        f"{BEDRICHOV}:3:7: KRJ126 a tenant of kind 'basic' needs the key 'lau'"
    )


def test_an_empty_list_is_refused_where_one_entry_is_needed(folder: Folder) -> None:
    folder.edit_tenant("bedrichov", "contacts:\n", "contacts: []\nservices:\n")
    folder.edit_tenant("bedrichov", "services:\n  - {service", "x:\n  - {service")
    found = [error.message for error in folder.errors()]
    assert "contacts: at least one entry is needed" in found


# (text in the records card, replacement, code, message)
CARD_FAULTS = [
    ("default_size: small", "default_size: tiny", "KRJ105", "'tiny' is not among `sizes`"),
    ("servers: 2 ", "servers: 1 ", "KRJ105", "one server cannot be failsafe-2"),
    ("health_check: {protocol: https, port: 443", "health_check: {protocol: https, port: 80",
     "KRJ105", "the port 80 is not among `ports`"),
    ("path: /healthz", "path: healthz", "KRJ105", "'healthz' must be a path that begins with /"),
    ("{protocol: https, port: 443, path: /healthz}", "{protocol: tcp, port: 443, path: /healthz}",
     "KRJ105", "a health check by tcp has no path"),
    ("default: 50 GiB", "default: 5 GiB", "KRJ105",
     "the default 5 GiB is not between 10 GiB and 2 TiB"),
    ("pool: bulk", "pool: balk", "KRJ120", "unknown pool 'balk' (did you mean 'bulk'?)"),
    ("image: Debian 12", "image: Debian 21", "KRJ120", "unknown image 'Debian 21'"),
    ("availability: failsafe-2", "availability: failsafe-5", "KRJ105", "failsafe-4"),
    ("from: public", "form: public", "KRJ103", "unknown key 'form' in ports[0]"),
    ("sizes: [small, medium, large]", "sizes: [small, small, medium, large]", "KRJ121",
     "the size 'small' is there twice"),
    ("path: /var/lib/records", "path: var/lib", "KRJ105", "'var/lib' must be an absolute path"),
    ("data_volumes:\n", "data_volumes:\n  - {name: more, pool: bulk, default: 50 GiB, "
     "minimum: 10 GiB, maximum: 2 TiB, path: /var/lib/records}\n", "KRJ121",
     "two volumes cannot both be mounted at /var/lib/records"),
    ("name: records", "name: record", "KRJ127", "the card's name is 'record'"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "code", "message"), CARD_FAULTS)
def test_a_fault_in_a_service_card_is_told_there(
    folder: Folder, old: str, new: str, code: str, message: str
) -> None:
    folder.edit_card("records", old, new)
    found = [error for error in folder.errors() if error.code.code == code]
    assert len(found) == 1
    assert message in found[0].message
    assert found[0].location is not None
    assert found[0].location.file == "roles/records/service.yaml"
    assert found[0].location.line > 0


def test_a_broken_card_is_not_held_against_its_orders(folder: Folder) -> None:
    folder.edit_card("records", "mode: dedicated", "mode: deticated")
    error = folder.error()
    assert error.location is not None
    assert error.location.file == "roles/records/service.yaml"


def test_cards_that_nobody_orders_may_name_other_regions_pools(folder: Folder) -> None:
    folder.edit_tenant("liberec", "  - {service: map, size: small}\n", "")
    folder.edit_card("map", "name: tiles, pool: fast", "name: tiles, pool: nvme")
    folder.load()


def test_two_tenants_with_one_lau_code_are_told_both_names(folder: Folder) -> None:
    folder.edit_tenant("liberec", '"563889"', '"563536"')
    assert str(folder.error()) == (
        f"{LIBEREC}:4:6: KRJ121 the LAU code '563536' belongs to Bedřichov (bedrichov) already"
    )


def test_two_tenants_with_one_identification_number_are_refused(folder: Folder) -> None:
    folder.edit_tenant("liberec", '"00262978"', '"00525511"')
    error = folder.error()
    assert error.code.code == "KRJ121"
    assert "belongs to Bedřichov (bedrichov) already" in error.message


def test_two_files_with_one_slug_are_refused(folder: Folder) -> None:
    tenants = folder.region / "tenants"
    shutil.copy(tenants / "bedrichov.yaml", tenants / "bedrichov.yml")
    assert str(folder.error()) == (
        "inventories/liberecky/tenants/bedrichov.yml: KRJ121 the slug 'bedrichov' has two files: "
        "bedrichov.yml and bedrichov.yaml"
    )


@pytest.mark.parametrize(
    "name", ["Bedřichov.yaml", "bed_richov.yaml", "-b.yaml", "x" * 41 + ".yaml"]
)
def test_a_file_name_that_is_no_slug_is_refused(folder: Folder, name: str) -> None:
    tenants = folder.region / "tenants"
    (tenants / "bedrichov.yaml").rename(tenants / name)
    assert folder.error().code.code == "KRJ127"


def test_a_yml_file_is_refused_and_not_overlooked(folder: Folder) -> None:
    tenants = folder.region / "tenants"
    (tenants / "bedrichov.yaml").rename(tenants / "bedrichov.yml")
    assert "'bedrichov.yml' must end in .yaml" in folder.error().message


def test_supernets_of_two_regions_on_one_cloud_must_not_overlap(folder: Folder) -> None:
    other = folder.root / "inventories" / "ustecky"
    other.mkdir()
    text = (folder.region / "region.yaml").read_text(encoding="utf-8")
    text = text.replace("fd4c:5a05:1000::/44", "fd4c:5a05:2000::/44")
    (other / "region.yaml").write_text(text, encoding="utf-8")
    error = folder.error()
    assert error.location == Sources(folder.region, folder.roles).locate(
        "region", path=("network", "ipv4", "supernet")
    )
    assert str(error) == (
        f"{error.location}: KRJ124 the supernet 10.64.0.0/12 overlaps 10.64.0.0/12 of the region "
        "'ustecky' on the same cloud"
    )


def test_supernets_on_different_clouds_may_overlap(folder: Folder) -> None:
    other = folder.root / "inventories" / "ustecky"
    other.mkdir()
    text = (folder.region / "region.yaml").read_text(encoding="utf-8")
    (other / "region.yaml").write_text(text.replace("- name: lab", "- name: usti"), "utf-8")
    folder.load()


def test_an_unreadable_neighbour_is_not_held_against_the_region(folder: Folder) -> None:
    other = folder.root / "inventories" / "ustecky"
    other.mkdir()
    (other / "region.yaml").write_text("a: [", encoding="utf-8")
    folder.load()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "one line is expected, there are 0"),
        ("ssh-ed25519 AAAA x\n", "'ssh-ed25519 AAAA x' is not an OpenSSH public key"),
        ("ssh-dss AAAAB3NzaC1kc3M= x\n", "is not an OpenSSH public key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\n", "this is a private key"),
    ],
)
def test_a_file_that_holds_no_public_key_is_refused(
    folder: Folder, content: str, message: str
) -> None:
    (folder.region / "operators.pub").write_text(content, encoding="utf-8")
    error = folder.error()
    assert error.code.code == "KRJ141"
    assert message in error.message


def test_a_missing_public_key_is_told_where_it_is_named(folder: Folder) -> None:
    (folder.region / "operators.pub").unlink()
    error = folder.error()
    assert error.code.code == "KRJ140"
    assert error.location == Sources(folder.region, folder.roles).locate(
        "region", path=("centre", "public_key_file")
    )


def test_a_missing_region_file_is_told_with_the_tenants_faults(folder: Folder) -> None:
    (folder.region / "region.yaml").unlink()
    folder.edit_tenant("liberec", "service: map", "service: mpa")
    assert [error.code.code for error in folder.errors()] == ["KRJ140", "KRJ120"]


def test_all_errors_of_all_files_come_together_in_their_order(folder: Folder) -> None:
    tenants = [
        folder.edit_tenant("bedrichov", "population: 331", "population: ‸many"),
        folder.edit_tenant("liberec", "service: records", "service: ‸recrods"),
        folder.edit_tenant("liberec", "archive, storage: 500 GiB", "archive, ‸size: small"),
    ]
    card = folder.edit_card("map", "backup: daily", "backup: ‸dayly")
    region = [
        folder.edit_region("cost_centre:", "‸cost_center:"),
        folder.edit_region("ram: 1536 GiB", "ram: ‸1536"),
    ]
    places = [str(error.location) for error in folder.errors()]
    shared = tenants[2].rsplit(":", 1)[0] + ":30"
    assert places == [*region, card, *tenants[:2], shared]


def test_a_mistyped_key_hides_no_other_error(folder: Folder) -> None:
    expected = [
        folder.edit_region("owner: Odbor", "‸ovner: Odbor"),
        folder.edit_region("servers: 2, size: small", "servers: 2, size: ‸smal"),
        folder.edit_tenant("liberec", "population:", "‸popultion:"),
        folder.edit_tenant("liberec", "service: map", "service: ‸mpa"),
    ]
    assert [str(error.location) for error in folder.errors()] == expected


def test_the_value_of_a_mistyped_key_is_checked_where_the_key_is_required(folder: Folder) -> None:
    key = folder.edit_region('cost_centre: "8051"', "‸cost_center: 8051")
    texts = [str(error) for error in folder.errors()]
    assert texts == [
        f"{key}: KRJ103 unknown key 'cost_center' (did you mean 'cost_centre'?)",
        f"{key.removesuffix(':1')}:14: KRJ105 cost_center: 8051 must be a text: "
        'put it in quotes, "8051"',
    ]


def test_a_place_is_absolute_outside_of_the_current_folder(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    folder.edit_tenant("liberec", "population: 103979", "population: 0")
    error = folder.error()
    assert error.location is not None
    assert error.location.file == str(folder.root / LIBEREC).removeprefix("/")
