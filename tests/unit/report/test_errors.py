"""How errors look to people and to programs."""

from __future__ import annotations

import io
import json

from rich.console import Console

from kraj.errors import ErrorCode, KrajError, Location
from kraj.report.errors import errors_as_json, print_errors

CODE = ErrorCode("KRJ999", "Test", "Only in tests.", "Do the general thing.")


def shown(*errors: KrajError) -> str:
    stream = io.StringIO()
    print_errors(errors, Console(file=stream, width=80, no_color=True))
    return stream.getvalue()


def test_an_error_shows_code_place_cause_and_hint() -> None:
    error = KrajError(
        CODE,
        "unknown size 'huge'",
        Location("tenants/liberec.yaml", 14, 32),
        hint="Did you mean 'large'?",
        causes=("no flavour of that name",),
    )
    assert shown(error).splitlines() == [
        "error[KRJ999]: unknown size 'huge'",
        "  --> tenants/liberec.yaml:14:32",
        "  caused by: no flavour of that name",
        "  hint: Did you mean 'large'?",
    ]


def test_an_error_without_a_hint_shows_the_remedy_of_its_code() -> None:
    assert "hint: Do the general thing." in shown(KrajError(CODE, "broken"))


def test_markup_in_a_value_is_shown_as_it_is() -> None:
    assert "[red]x[/red]" in shown(KrajError(CODE, "unknown key '[red]x[/red]'"))


def test_several_errors_end_with_their_number() -> None:
    assert shown(KrajError(CODE, "one"), KrajError(CODE, "two")).endswith("2 errors\n")


def test_json_holds_every_error_with_its_place() -> None:
    document = json.loads(errors_as_json([KrajError(CODE, "bad", Location("a.yaml", 3, 1))]))
    assert document["schema"] == "kraj.error/1"
    assert document["errors"][0]["code"] == "KRJ999"
    assert document["errors"][0]["line"] == 3
