"""Addresses of a user's database and cache."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraj.errors import KrajError
from kraj.lab.addresses import DEFAULT_PREFIX, parse_database_url, parse_host_and_port
from kraj.lab.errors import BAD_SETTING

PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)


@given(user=PRINTABLE, password=PRINTABLE)
def test_any_account_survives_parsing_and_writing(user: str, password: str) -> None:
    account = f"{quote(user, safe='')}:{quote(password, safe='')}"
    server = parse_database_url(f"mysql+pymysql://{account}@db.example:3310/p_")
    assert (server.user, server.password) == (user, password)
    assert server.url("nova") == (
        f"mysql+pymysql://{account}@db.example:3310/p_nova?charset=utf8mb4"
    )


def test_port_and_prefix_have_defaults() -> None:
    server = parse_database_url("mariadb://kraj@db.example")
    assert (server.port, server.prefix) == (3306, DEFAULT_PREFIX)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://kraj:secret@db.example/",
        "mysql://db.example/",
        "mysql://kraj:secret@/",
        "mysql://kraj:secret@db.example:port/",
        "mysql://kraj:secret@db.example/a;drop",
    ],
)
def test_a_wrong_address_is_refused_without_showing_its_password(text: str) -> None:
    with pytest.raises(KrajError) as caught:
        parse_database_url(text)
    assert caught.value.code is BAD_SETTING
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("text", ["11211", "cache.example:", ":11211", "cache.example:x"])
def test_a_cache_needs_host_and_port(text: str) -> None:
    with pytest.raises(KrajError) as caught:
        parse_host_and_port(text)
    assert text in caught.value.message
