"""What towns can order and what it costs, as an admin without any cloud asks for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.unit.cli.conftest import Outcome

Kraj = Callable[..., Outcome]


def test_the_catalogue_has_titles_and_prices(kraj: Kraj, project: Path) -> None:
    outcome = kraj("service", "list")
    assert outcome.code == 0
    assert "Electronic records" in outcome.out
    assert "CZK/month" in outcome.out
    assert "3,900.00" in outcome.out


def test_programs_get_the_catalogue_in_all_languages(kraj: Kraj, project: Path) -> None:
    document = kraj("service", "list", "--json").json
    services = {service["name"]: service for service in document["services"]}
    records = services["records"]
    assert records["title"]["cs"] == "Elektronická spisová služba"
    assert (records["mode"], records["servers"], records["recovery_point_minutes"]) == (
        *("dedicated", 2),
        1440,
    )
    assert records["storage"][0]["minimum_gib"] == 10
    assert kraj("service", "show", "records", "--json").json["service"] == records


def test_a_service_is_shown_whole(kraj: Kraj, project: Path) -> None:
    shown = kraj("service", "show", "archive").out
    assert "Digital archive" in shown
    assert "the centre" in shown
    wrong = kraj("service", "show", "archiv")
    assert wrong.code == 1
    assert "did you mean 'archive'" in wrong.err


def test_a_quote_is_made_without_a_cloud(kraj: Kraj, project: Path) -> None:
    outcome = kraj("tenant", "quote", "zelezny-brod")
    assert outcome.code == 0, outcome.err
    assert "with 21 % VAT" in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80
    document = kraj("tenant", "quote", "zelezny-brod", "--json").json
    assert document["region"] == "liberecky"
    assert float(document["yearly"]) == 12 * float(document["monthly"])
    assert {line["service"] for line in document["lines"]} == {
        *("records", "map", "archive"),
        "network and limits",
    }
    assert not (project / "inventories/liberecky/addresses.yaml").exists()


def test_a_quote_for_an_unknown_town_is_refused(kraj: Kraj, project: Path) -> None:
    wrong = kraj("tenant", "quote", "zelezny-brot")
    assert wrong.code == 1
    assert "unknown tenant 'zelezny-brot' (did you mean 'zelezny-brod'?)" in wrong.err


def test_a_towns_file_is_judged_without_a_cloud(kraj: Kraj, project: Path) -> None:
    outcome = kraj("tenant", "check", "zelezny-brod")
    assert outcome.code == 0, outcome.err
    assert "Železný Brod (zelezny-brod, new) fits." in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80
    document = kraj("tenant", "check", "zelezny-brod", "--json").json
    assert document["passed"]
    assert document["quote"] == kraj("tenant", "quote", "zelezny-brod", "--json").json
    assert {made["service"] for made in document["servers"]} == {"records", "map"}
    assert not (project / "inventories/liberecky/addresses.yaml").exists()


def test_an_order_that_does_not_fit_is_a_clear_red(kraj: Kraj, project: Path) -> None:
    region = project / "inventories/liberecky/region.yaml"
    text = region.read_text(encoding="utf-8")
    assert text.count("capacity: 3 TB") == 1
    region.write_text(text.replace("capacity: 3 TB", "capacity: 700 GB"), encoding="utf-8")
    outcome = kraj("tenant", "check", "zelezny-brod", "--markdown", "comment.md")
    assert outcome.code == 1
    assert "does not fit" in outcome.out
    assert "KRJ210" in outcome.err
    comment = (project / "comment.md").read_text(encoding="utf-8")
    assert comment.startswith("<!-- kraj tenant check liberecky zelezny-brod -->\n")
    assert "- **KRJ210** zelezny-brod needs 100 GiB of storage pool fast" in comment
    assert "| storage fast | 100 |" in comment
    document = kraj("tenant", "check", "zelezny-brod", "--json")
    assert (document.code, document.json["passed"]) == (1, False)
    assert document.json["refusals"][0]["line"] > 0
