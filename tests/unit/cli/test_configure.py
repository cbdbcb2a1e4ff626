"""What `kraj configure` refuses before it touches a server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Outcome
from tests.unit.configure.exports import TENANT, write_state


def test_where_no_stack_was_applied_there_is_nothing_to_configure(
    kraj: Callable[..., Outcome], project: Path
) -> None:
    outcome = kraj("configure", "--json")
    assert outcome.code == 1
    assert outcome.json["errors"][0]["code"] == "KRJ840"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--service", "recrods"), "KRJ840", "did you mean 'records'?"),
        (("--only", "tenant:nowhere"), "KRJ703", "tenant:nowhere"),
        (("--only", "tenant:bela"), "KRJ840", "has no server of tenant:bela"),
    ],
)
def test_a_wish_that_fits_no_server_is_an_error(
    kraj: Callable[..., Outcome], project: Path, arguments: tuple[str, ...], code: str, words: str
) -> None:
    write_state(project, "kraj-tenant", "liberecky.t563871", TENANT)
    outcome = kraj("configure", *arguments)
    assert outcome.code == 1
    assert code in outcome.err
    assert words in outcome.err
    assert not (project / ".kraj" / "regions" / "liberecky" / "known_hosts").exists()


def test_a_server_whose_key_nobody_knows_is_not_signed_in_to_without_the_cloud(
    kraj: Callable[..., Outcome], project: Path
) -> None:
    write_state(project, "kraj-tenant", "liberecky.t563871", TENANT)
    outcome = kraj("configure")
    assert outcome.code == 1
    assert "KRJ412" in outcome.err  # no clouds.yaml: its console cannot be read
    assert not list((project / ".kraj" / "regions" / "liberecky" / "configure").glob("run-*"))
