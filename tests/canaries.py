"""Finds planted secrets in what was left behind, also encoded."""

from __future__ import annotations

import base64


def found_in(data: bytes, canaries: list[str]) -> list[str]:
    """Those of the canaries that are in the data, as they are, in hexadecimal or in base 64."""
    return [canary for canary in canaries if any(trace in data for trace in _traces(canary))]


def _traces(canary: str) -> list[bytes]:
    """A canary in all forms; in base 64 wherever it may begin in the data."""
    plain = canary.encode()
    encoded = []
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + plain)
        encoded.append(text[4 if shift else 0 : -4])
    return [plain, plain.hex().encode(), *encoded]
