"""Equality of values that can be spelled in several ways: addresses, prefixes, JSON, time, case.

For `Field.same`. A value that is not what it should be equals only itself.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any


def _same(parse: Callable[[Any], Any]) -> Callable[[Any, Any], bool]:
    def equal(old: Any, new: Any) -> bool:
        if old == new:
            return True
        try:
            return bool(parse(old) == parse(new))
        except (TypeError, ValueError):
            return False

    return equal


def _networks(prefixes: Iterable[str]) -> set[Any]:
    """Neutron merges neighbouring prefixes of a pool and sorts them."""
    parsed = [ipaddress.ip_network(prefix) for prefix in prefixes]
    four = ipaddress.collapse_addresses(n for n in parsed if n.version == 4)
    six = ipaddress.collapse_addresses(n for n in parsed if n.version == 6)
    return {*four, *six}


#: `fd00::1` and `fd00:0:0::1`
same_address = _same(ipaddress.ip_address)
#: `fd00::/64` and `fd00:0::/64`
same_prefix = _same(ipaddress.ip_network)
#: Two lists of prefixes that cover the same addresses.
same_prefixes = _same(_networks)
#: Two texts with the same JSON value; no text is an empty object.
same_json = _same(lambda text: json.loads(text or "{}"))
#: `2030-01-01T00:00:00Z` and `2030-01-01T00:00:00+00:00`
same_time = _same(datetime.fromisoformat)
#: `TCP` and `tcp`
same_ignoring_case = _same(lambda value: value.lower())
