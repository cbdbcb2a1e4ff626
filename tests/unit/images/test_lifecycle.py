"""Which published image becomes what, and who has to move on."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from kraj.images.lifecycle import Published, Stage, Use, decide, overdue

A, D, H, X = Stage.ACTIVE, Stage.DEPRECATED, Stage.HIDDEN, Stage.DELETED


def image(number: int, stage: Stage = A, name: str = "records", until: str = "none") -> Published:
    created = f"2026-{number:02}-01T00:00:00Z"
    return Published(f"{name}-{number}", name, f"v{number}", created, stage, until)


def server(image_id: str, name: str = "reg-1-records-1", project: str = "reg-1") -> Use:
    return Use(image_id, "server", f"id-of-{name}", name, project)


def stages(*found: Published, uses: tuple[Use, ...] = (), keep: int = 2) -> dict[str, Stage]:
    return {step.published.id: step.stage for step in decide(found, uses, keep)}


def test_the_newest_is_active_the_kept_are_deprecated_the_rest_is_hidden() -> None:
    assert stages(*(image(n) for n in (1, 2, 3, 4))) == {
        "records-4": A,
        "records-3": D,
        "records-2": H,
        "records-1": H,
    }


def test_what_was_hidden_before_is_deleted() -> None:
    assert stages(image(1, H), image(2, D), image(3, D), image(4)) == {
        "records-4": A,
        "records-3": D,
        "records-2": H,
        "records-1": X,
    }


def test_what_a_server_or_a_volume_uses_is_never_deleted() -> None:
    volume = Use("records-2", "volume", "id", "", "reg-2")
    found = (image(1, H), image(2, H), image(3), image(4))
    decided = stages(*found, uses=(server("records-1"), volume))
    assert decided["records-1"] is H
    assert decided["records-2"] is H
    reasons = {s.published.id: s.reason for s in decide(found, (server("records-1"),), 2)}
    assert reasons["records-1"] == "still used by server reg-1-records-1"


def test_images_of_another_name_do_not_count() -> None:
    assert stages(image(1), image(2), image(1, name="map"), keep=1) == {
        "records-2": A,
        "records-1": H,
        "map-1": A,
    }


def test_a_version_becomes_active_again_where_the_newer_ones_are_gone() -> None:
    (step,) = decide([image(1, H)], (), 1)
    assert step.stage is A
    assert step.changes


_FOUND = st.lists(
    st.builds(
        image,
        st.integers(1, 12),
        st.sampled_from((A, D, H)),
        st.sampled_from(("records", "map")),
    ),
    unique_by=lambda item: item.id,
)


@given(_FOUND, st.sets(st.integers(0, 20)), st.integers(1, 4))
def test_pruning_to_the_end_leaves_the_kept_and_the_used(
    found: list[Published], used: set[int], keep: int
) -> None:
    uses = tuple(server(found[index].id) for index in used if index < len(found))
    left = found
    for _run in range(3):
        steps = decide(left, uses, keep)
        assert sum(step.stage is A for step in steps) == len({item.image for item in left})
        left = [
            Published(s.published.id, s.published.image, "", s.published.created, s.stage)
            for s in steps
            if s.stage is not X
        ]
    ids = {item.id for item in left}
    assert {use.image_id for use in uses} <= ids
    for name in {item.image for item in found}:
        newest = sorted((i for i in found if i.image == name), key=lambda i: i.created)[-keep:]
        assert {item.id for item in newest} <= ids
        others = {i.id for i in left if i.image == name} - {i.id for i in newest}
        assert others <= {use.image_id for use in uses}


def test_users_are_named_when_support_ended_or_ends_soon() -> None:
    images = [
        image(1, until="2026-10-31"),
        image(2, until="2026-12-31"),
        image(3, until="2028-06-30"),
        image(4, until="notice"),
        image(5, H, until="none"),
    ]
    uses = [server(f"records-{n}", f"server-{n}") for n in (1, 2, 3, 4, 5)]
    uses.append(server("somebody-elses", "other"))
    named = overdue(images, uses, date(2026, 11, 30), near_days=60)
    assert [(item.use.name, item.reason) for item in named] == [
        ("server-1", "support ended 2026-10-31"),
        ("server-2", "support ends 2026-12-31"),
        ("server-5", "the image is hidden, newer versions are there"),
    ]


def test_the_last_day_of_support_is_not_over() -> None:
    (named,) = overdue([image(1, until="2026-11-30")], [server("records-1")], date(2026, 11, 30), 0)
    assert named.reason == "support ends 2026-11-30"
