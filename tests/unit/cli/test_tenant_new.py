"""A new town's file: from options, from another file, or by questions; never half, never twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from kraj.commands.tenant_wizard import Wizard, parse_contact, parse_order
from kraj.errors import KrajError
from kraj.operations.catalogue import services_of
from kraj.operations.new_tenant import slug_of
from tests.unit.cli.conftest import Outcome

Kraj = Callable[..., Outcome]

REQUEST = {
    "name": "Frýdlant",
    "kind": "extended-powers",
    "lau": "564028",
    "population": 7426,
    "contacts": [{"role": "requester", "name": "Město: úřad", "email": "urad@frydlant.example"}],
    "services": [{"service": "records", "size": "small", "storage": "20 GiB"}],
}


def town(project: Path, slug: str = "frydlant") -> Path:
    return project / "inventories" / "liberecky" / "tenants" / f"{slug}.yaml"


@pytest.fixture
def request_file(project: Path) -> Path:
    path = project / "request.yaml"
    path.write_text(yaml.safe_dump(REQUEST, allow_unicode=True), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Železný Brod", "zelezny-brod"),
        ("Hejnice ", "hejnice"),
        ("Rokytnice nad Jizerou (město)", "rokytnice-nad-jizerou-mesto"),
        ("Ő-Város", "o-varos"),
    ],
)
def test_a_slug_is_the_name_in_plain_letters(name: str, slug: str) -> None:
    assert slug_of(name) == slug


def test_a_town_comes_from_a_file(kraj: Kraj, project: Path, request_file: Path) -> None:
    outcome = kraj("tenant", "new", "--from", str(request_file))
    assert outcome.code == 0, outcome.err
    assert "Frýdlant (frydlant, new) fits." in outcome.out
    text = town(project).read_text(encoding="utf-8")
    assert yaml.safe_load(text) == REQUEST
    first, second = text.splitlines()[:2]
    assert first.startswith("# yaml-language-server: $schema=../")
    assert second == "name: Frýdlant"
    assert "  - {service: records, size: small, storage: 20 GiB}\n" in text
    assert kraj("region", "validate").code == 0
    assert kraj("tenant", "check", "frydlant").code == 0


def test_a_town_comes_from_options(kraj: Kraj, project: Path) -> None:
    outcome = kraj(
        *("tenant", "new", "--name", "Frýdlant", "--kind", "extended-powers", "--lau", "564028"),
        *("--population", "7426", "--order", "records:size=small,storage=20 GiB"),
        *("--contact", "requester,Město: úřad,urad@frydlant.example", "--json"),
    )
    assert outcome.code == 0, outcome.err
    assert outcome.json["written"]
    assert outcome.json["check"]["passed"]
    assert yaml.safe_load(outcome.json["text"]) == REQUEST
    assert town(project).read_text(encoding="utf-8") == outcome.json["text"]


def test_a_rehearsal_writes_nothing(kraj: Kraj, project: Path, request_file: Path) -> None:
    outcome = kraj("tenant", "new", "--from", str(request_file), "--dry-run", "--json")
    assert (outcome.code, outcome.json["written"]) == (0, False)
    assert not town(project).exists()


def test_a_town_that_is_there_is_never_replaced(
    kraj: Kraj, project: Path, request_file: Path
) -> None:
    before = town(project, "zelezny-brod").read_bytes()
    outcome = kraj("tenant", "new", "zelezny-brod", "--from", str(request_file))
    assert outcome.code == 1
    assert "KRJ716" in outcome.err
    assert town(project, "zelezny-brod").read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"lau": "563871"}, "KRJ121", "is that of Železný Brod (zelezny-brod)"),
        ({"services": [{"service": "recrods"}]}, "KRJ120", "did you mean 'records'"),
        ({"contacts": [{"role": "requester", "name": "x", "email": "nobody"}]}, "KRJ105", "email"),
        ({"services": [{"service": "records", "storage": "20 bananas"}]}, "KRJ106", "storage"),
        ({"name": "§§"}, "KRJ105", "slug"),
        ({"colour": "green"}, "KRJ103", "colour"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    kraj: Kraj, project: Path, changes: dict[str, object], code: str, said: str
) -> None:
    path = project / "request.yaml"
    path.write_text(yaml.safe_dump(REQUEST | changes, allow_unicode=True), encoding="utf-8")
    outcome = kraj("tenant", "new", "--from", str(path))
    assert outcome.code == 1
    assert code in outcome.err
    assert said in outcome.err
    assert "kraj-" not in outcome.err, "the place is in the copy"
    assert {item.stem for item in town(project).parent.glob("*.yaml")} == {"bela", "zelezny-brod"}


def test_an_order_that_does_not_fit_is_not_written(
    kraj: Kraj, project: Path, request_file: Path
) -> None:
    region = project / "inventories/liberecky/region.yaml"
    text = region.read_text(encoding="utf-8")
    region.write_text(text.replace("capacity: 3 TB", "capacity: 700 GB"), encoding="utf-8")
    outcome = kraj("tenant", "new", "--from", str(request_file))
    assert outcome.code == 1
    assert "KRJ210" in outcome.err
    assert "tenants/frydlant.yaml" in outcome.err
    assert not town(project).exists()


def test_a_file_that_is_none_is_refused(kraj: Kraj, project: Path) -> None:
    for text in ("- a list\n", "{", None):
        path = project / "request.yaml"
        if text is None:
            path.unlink()
        else:
            path.write_text(text, encoding="utf-8")
        assert "KRJ730" in kraj("tenant", "new", "--from", str(path)).err


def test_questions_lead_to_the_same_file(kraj: Kraj, project: Path) -> None:
    answers = iter(
        [
            *("Frýdlant", "town", "extended-powers", "564028", "7426", ""),
            *("Město: úřad", "urad@frydlant.example", ""),
            *("recrods", "records", "huge", "small", "20 GiB", "records", ""),
        ]
    )
    out = StringIO()
    asked: list[str] = []

    def ask(question: str, default: str) -> str:
        asked.append(question)
        return next(answers) or default

    files, _cards = services_of(None)
    content = Wizard(ask, Console(file=out, width=80)).content(files, {})
    wanted = {**REQUEST, "services": [{"service": "records", "storage": "20 GiB"}]}
    assert content == wanted
    assert "3,900.00" in out.getvalue()
    assert "'recrods' cannot be ordered" in out.getvalue()
    assert [q for q in asked if "10 GiB to" in q], "the card's range stands beside the question"
    assert_over(answers)


def test_another_slug_is_asked_for_where_one_is_taken(kraj: Kraj, project: Path) -> None:
    answers = iter(["bela", "bela-u-turnova"])
    files, _cards = services_of(None)
    out = StringIO()
    wizard = Wizard(lambda _question, _default: next(answers), Console(file=out))
    assert wizard.slug(files, "Bělá") == "bela-u-turnova"
    assert out.getvalue().count("'bela' is Bělá already.") == 2
    assert wizard.slug(files, "Frýdlant") == "frydlant"
    assert wizard.slug(files, "Bělá", "jina") == "jina"


def assert_over(answers: Iterator[str]) -> None:
    assert list(answers) == []


def test_what_is_given_is_not_asked_for(kraj: Kraj, project: Path) -> None:
    def ask(question: str, default: str) -> str:
        assert "Identification number" in question
        return default

    files, _cards = services_of(None)
    assert Wizard(ask, Console(file=StringIO())).content(files, dict(REQUEST)) == REQUEST


@pytest.mark.parametrize("text", ["requester,only a name", "a,b,c,d,e"])
def test_a_contact_has_its_parts(text: str) -> None:
    with pytest.raises(KrajError, match="ROLE,NAME,E-MAIL"):
        parse_contact(text)


@pytest.mark.parametrize("text", ["records:small", "records:colour=green", "records:size"])
def test_an_order_has_its_form(text: str) -> None:
    with pytest.raises(KrajError, match="size=SIZE"):
        parse_order(text)
