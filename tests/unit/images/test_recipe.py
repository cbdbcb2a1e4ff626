"""A layer is made again exactly when something under it has changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from kraj.images.finishing import version_of
from kraj.images.recipe import BOOKWORM, Recipe, Snapshot
from kraj.planning.boot_images import BASE

DATES = Snapshot(
    {
        "bookworm": datetime(2026, 7, 11, 10, tzinfo=UTC),
        "bookworm-updates": datetime(2026, 11, 28, 14, tzinfo=UTC),
        "bookworm-security": datetime(2026, 11, 29, 1, tzinfo=UTC),
    }
)
RECORDS = Recipe("records", "builder", DATES, {BASE: "b1", "records": "r1"})


def digests(recipe: Recipe) -> list[str]:
    return [layer.digest for layer in recipe.layers]


def test_layers_are_piled_from_debian_to_the_service() -> None:
    assert [layer.name for layer in RECORDS.layers] == ["debian", "base", "records"]
    assert [layer.role for layer in RECORDS.layers] == [None, "base", "records"]
    assert RECORDS.digest == digests(RECORDS)[-1]


def test_a_changed_role_leaves_the_layers_below_it() -> None:
    changed = digests(replace(RECORDS, roles={BASE: "b1", "records": "r2"}))
    assert changed[:2] == digests(RECORDS)[:2]
    assert changed[2] != digests(RECORDS)[2]


def test_programs_are_a_layer_that_a_changed_role_leaves_alone() -> None:
    with_programs = replace(RECORDS, programs={"records": "p1"})
    names = [(layer.name, layer.role, layer.tasks) for layer in with_programs.layers]
    assert names[2:] == [
        ("records programs", "records", "programs"),
        ("records", "records", "main"),
    ]
    role = digests(replace(with_programs, roles={BASE: "b1", "records": "r2"}))
    assert role[:3] == digests(with_programs)[:3]
    assert role[3] != digests(with_programs)[3]
    programs = digests(replace(with_programs, programs={"records": "p2"}))
    assert programs[:2] == digests(with_programs)[:2]
    assert not set(programs[2:]) & set(digests(with_programs))


def test_a_changed_base_changes_what_stands_on_it() -> None:
    changed = digests(replace(RECORDS, roles={BASE: "b2", "records": "r1"}))
    assert changed[0] == digests(RECORDS)[0]
    assert not set(changed[1:]) & set(digests(RECORDS))


def test_a_newer_archive_another_builder_or_another_package_change_everything() -> None:
    newer = Snapshot(DATES.suites | {"bookworm-security": datetime(2026, 11, 30, tzinfo=UTC)})
    for other in (
        replace(RECORDS, snapshot=newer),
        replace(RECORDS, builder="other"),
        replace(RECORDS, packages=(*RECORDS.packages, "rsync")),
    ):
        assert not set(digests(other)) & set(digests(RECORDS))


def test_the_order_of_the_packages_means_nothing() -> None:
    turned = replace(RECORDS, packages=tuple(reversed(RECORDS.packages)))
    assert digests(turned) == digests(RECORDS)


def test_images_share_the_layers_that_they_have_in_common() -> None:
    other = Recipe("map", "builder", DATES, {BASE: "b1", "map": "m1"})
    assert digests(other)[:2] == digests(RECORDS)[:2]


def test_the_version_tells_the_archives_newest_date_and_the_inputs() -> None:
    assert version_of(RECORDS) == f"20261129-{RECORDS.digest[:8]}"


def test_a_snapshot_survives_being_written() -> None:
    assert Snapshot.of(DATES.as_dict()) == DATES
    assert DATES.epoch == int(datetime(2026, 11, 29, 1, tzinfo=UTC).timestamp())


def test_all_parts_of_the_release_are_used() -> None:
    assert BOOKWORM.suites == ("bookworm", "bookworm-updates", "bookworm-security")
