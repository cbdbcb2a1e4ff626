"""Strict YAML with places."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kraj.errors import KrajError, KrajErrors, Location
from kraj.model.yaml_files import MAX_BYTES, parse_document, read_document


def value(text: str) -> object:
    return parse_document(text.encode(), "f.yaml").value


def only_error(content: bytes) -> KrajError:
    with pytest.raises((KrajError, KrajErrors)) as caught:
        parse_document(content, "f.yaml")
    if isinstance(caught.value, KrajErrors):
        assert len(caught.value.errors) == 1
        return caught.value.errors[0]
    return caught.value


def test_plain_scalars_are_typed_by_the_core_schema_of_yaml_1_2() -> None:
    text = (
        "{a: NO, b: 07:00, c: 2028-06-30, d: 12, e: -1.5, f: true, g: ~, h: '12', i: 0o17, j: null}"
    )
    assert value(text) == {
        "a": "NO",
        "b": "07:00",
        "c": "2028-06-30",
        "d": 12,
        "e": -1.5,
        "f": True,
        "g": None,
        "h": "12",
        "i": "0o17",
        "j": None,
    }


def test_a_value_is_found_by_its_path() -> None:
    document = parse_document(b"a:\n  - {b: 1}\n  - {b: 22, c: x}\n", "f.yaml")
    assert document.locate(("a", 1, "b")) == Location("f.yaml", 3, 9)
    assert document.locate(("a", 1, "c"), key=True) == Location("f.yaml", 3, 13)
    assert document.text(("a", 1, "b")) == "22"


def test_a_path_that_does_not_exist_leads_to_its_nearest_part() -> None:
    document = parse_document(b"a:\n  - {b: 1}\n", "f.yaml")
    assert document.locate(("a", 0, "missing", "deeper")) == Location("f.yaml", 2, 5)
    assert document.text(("a", 7)) is None


@pytest.mark.parametrize(
    ("content", "code", "message", "place"),
    [
        (b"", "KRJ101", "the file is empty", "f.yaml"),
        (b"a: [1\n", "KRJ101", "did not find expected ',' or ']'", "f.yaml:2:1"),
        (b"a: 1\n---\nb: 2\n", "KRJ101", "but found another document", "f.yaml:2:1"),
        (b"a: \xff\n", "KRJ101", "the byte 0xff is not UTF-8", "f.yaml:1:4"),
        ("é: é\na: \x07\n".encode(), "KRJ101", "the character U+0007 is not allowed", "f.yaml:2:4"),
        (b"a: 1\nb: 2\na: 3\n", "KRJ102", "the key 'a' is there twice", "f.yaml:3:1"),
        (b"a: &x 1\n", "KRJ107", "the anchor &x is not used in region files", "f.yaml:1:4"),
        (b"a: !!int 1\n", "KRJ107", "the tag 'tag:yaml.org,2002:int' is not used", "f.yaml:1:4"),
        (b"[a]: 1\n", "KRJ107", "a key must be a plain text", "f.yaml:1:1"),
        (b"[" * 1000, "KRJ107", "more than 40 levels are nested here", "f.yaml:1:41"),
        (b"- " * 1000, "KRJ107", "more than 40 levels are nested here", "f.yaml:1:81"),
        (b"#" * (MAX_BYTES + 1), "KRJ101", "bytes are more than the limit", "f.yaml"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_place(
    content: bytes, code: str, message: str, place: str
) -> None:
    error = only_error(content)
    assert error.code.code == code
    assert message in error.message
    assert str(error.location).startswith(place)


def test_all_duplicate_keys_of_a_file_are_told() -> None:
    with pytest.raises(KrajErrors) as caught:
        parse_document(b"a: 1\na: 2\nb: {c: 1, c: 2}\n", "f.yaml")
    assert [str(error.location) for error in caught.value.errors] == ["f.yaml:2:1", "f.yaml:3:11"]


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"b{i}: &b{i} [*a, *a]\n" for i in range(50))
    assert only_error(bomb.encode()).code.code == "KRJ107"


def test_a_missing_file_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(KrajError) as caught:
        read_document(tmp_path / "none.yaml", "none.yaml")
    assert str(caught.value) == (
        "none.yaml: KRJ140 cannot read none.yaml: No such file or directory"
    )


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=60), st.text("ab:-[]{}&*!'\"|>#?, \n\t%@`", max_size=60)))
def test_no_content_ends_in_anything_but_a_document_or_an_error(content: bytes | str) -> None:
    data = content.encode() if isinstance(content, str) else content
    with suppress(KrajErrors, KrajError):
        assert parse_document(data, "f.yaml").file == "f.yaml"
