"""Addresses of a user's database, message queue and cache."""

from __future__ import annotations

import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraj.errors import KrajError
from kraj.lab.addresses import (
    DEFAULT_PREFIX,
    QueueServer,
    parse_database_url,
    parse_host_and_port,
    parse_transport_url,
)
from kraj.lab.errors import BAD_SETTING

UNRESERVED = st.text(string.ascii_letters + string.digits + "-._~", min_size=1, max_size=20)
PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)


@given(user=UNRESERVED, password=UNRESERVED)
def test_an_account_survives_parsing_and_writing(user: str, password: str) -> None:
    account = f"{user}:{password}"
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
        "mysql://kraj:secret%40@db.example/",
        "mysql://kraj:secret$@db.example/",
        "mysql://kraj:secret@db.example/p_?ssl=true",
    ],
)
def test_a_wrong_address_is_refused_without_showing_its_password(text: str) -> None:
    with pytest.raises(KrajError) as caught:
        parse_database_url(text)
    assert caught.value.code is BAD_SETTING
    assert "secret" not in caught.value.message


@given(user=PRINTABLE, password=PRINTABLE, virtual_host=PRINTABLE)
def test_any_account_of_a_queue_survives_parsing(
    user: str, password: str, virtual_host: str
) -> None:
    account = f"{quote(user, safe='')}:{quote(password, safe='')}"
    url = f"rabbit://{account}@mq.example:5680/{quote(virtual_host, safe='')}"
    expected = QueueServer("mq.example", 5680, user, password, virtual_host)
    assert parse_transport_url(url) == expected


def test_port_and_virtual_host_of_a_queue_have_defaults() -> None:
    server = parse_transport_url("rabbit://kraj@mq.example")
    assert (server.port, server.virtual_host) == (5672, "/")


@pytest.mark.parametrize(
    "text",
    [
        "amqp://kraj:secret@mq.example/",
        "rabbit://mq.example/",
        "rabbit://kraj:secret@/",
        "rabbit://kraj:secret@mq.example:port/",
        "rabbit://kraj:secret@one.example,kraj:secret@two.example/",
        "rabbit://kraj:secret@mq.example/?ssl=1",
    ],
)
def test_a_wrong_address_of_a_queue_is_refused_without_showing_its_password(text: str) -> None:
    with pytest.raises(KrajError) as caught:
        parse_transport_url(text)
    assert caught.value.code is BAD_SETTING
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("text", ["11211", "cache.example:", ":11211", "cache.example:x"])
def test_a_cache_needs_host_and_port(text: str) -> None:
    with pytest.raises(KrajError) as caught:
        parse_host_and_port(text)
    assert text in caught.value.message
