"""Names collide nowhere and fit everywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraj.errors import KrajError
from kraj.planning.naming import LABEL_LIMIT, PROJECT_LIMIT, Names, tag_list, tags

SLUGS = st.from_regex(r"[a-z][a-z0-9-]{0,38}[a-z0-9]", fullmatch=True)


def test_names_of_6250_municipalities_differ_though_many_share_a_slug() -> None:
    everyone = [
        Names("", "cesko", f"{500000 + number}", f"nova-ves-{number % 40}")
        for number in range(6250)
    ]
    for kind in ("project", "base", "service_user"):
        assert len({getattr(names, kind) for names in everyone}) == 6250
    servers = {names.server("records", n) for names in everyone for n in (1, 2)}
    assert len(servers) == 12500


@given(SLUGS)
def test_names_are_cut_to_what_openstack_accepts(slug: str) -> None:
    names = Names("sdileny-cloud", "liberecky", "563889", slug)
    assert len(names.project) <= PROJECT_LIMIT
    assert names.project.startswith("sdileny-cloud-liberecky-563889")
    assert not names.project.endswith("-")
    assert len(names.server("records", 12)) <= LABEL_LIMIT


def test_a_server_name_that_is_no_dns_label_is_refused() -> None:
    with pytest.raises(KrajError, match="of 63"):
        Names("x" * 15, "r" * 20, "org-00673439", "a").server("electronic-records-service", 10)


def test_tags_carry_owner_and_cost_centre_without_commas_and_slashes() -> None:
    found = tag_list(
        tags(
            region="liberecky",
            tenant="563889",
            service="records",
            owner="Odbor informatiky, oddělení 2/3",
            cost_centre="8051",
        )
    )
    assert "kraj_owner=Odbor informatiky  oddělení 2 3" in found
    assert "kraj_cost_centre=8051" in found
