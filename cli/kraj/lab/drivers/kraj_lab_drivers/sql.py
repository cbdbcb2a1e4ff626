"""Runs SQL statements: `python -m kraj_lab_drivers.sql`, with a JSON document on standard input.

`connections` are the ways to sign in (arguments of pymysql), of which the first that works is used;
`statements` are run one after the other, and the rows of the last are printed as JSON. By standard
input, because anybody may read a process's command line and environment is inherited.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import pymysql


def connect(ways: list[dict[str, Any]]) -> Any:
    """The first connection that works; the last one's error where none does."""
    for way in ways[:-1]:
        try:
            return pymysql.connect(**way)
        except pymysql.OperationalError:
            continue
    return pymysql.connect(**ways[-1])


def main() -> None:
    order = json.load(sys.stdin)
    try:
        with connect(order["connections"]) as connection, connection.cursor() as cursor:
            for statement in order["statements"]:
                cursor.execute(statement)
            print(json.dumps(cursor.fetchall()))
    except pymysql.MySQLError as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
