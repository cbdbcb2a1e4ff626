"""Versions are compared as dpkg compares them."""

from __future__ import annotations

import shutil
import subprocess
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kraj.images.debian_version import sort_key

#: The examples of Debian policy 5.6.12, and what real updates look like; each is older than the
#: next.
ASCENDING = [
    "0~~", "0~~a", "0~", "0", "0a", "1.0~beta1~svc1", "1.0~beta1", "1.0", "1.0-1", "1.0-1+deb12u1",
    "1.0-1+deb12u2", "1.0-1+deb12u10", "1.0-2~bpo12+1", "1.0-2", "1.0+dfsg-1", "1.0.1-1", "1.2-1",
    "1.10-1", "1:0.1-1",
]  # fmt: skip


def test_versions_are_in_order() -> None:
    for older, newer in pairwise(ASCENDING):
        assert sort_key(older) < sort_key(newer)
        assert not sort_key(newer) < sort_key(older)


def test_leading_zeros_and_a_missing_epoch_mean_nothing() -> None:
    assert sort_key("1.01-1") == sort_key("1.1-1")
    assert sort_key("0:1.0") == sort_key("1.0")


_TEXT = st.text(alphabet="0123456789abzAZ.+~", min_size=1, max_size=8).map(lambda text: f"1{text}")


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="dpkg is not installed")
@settings(max_examples=60, deadline=None)
@given(_TEXT, _TEXT)
def test_dpkg_says_the_same(one: str, other: str) -> None:
    command = ["dpkg", "--compare-versions", one, "lt", other]
    older = subprocess.run(command, check=False).returncode == 0
    assert (sort_key(one) < sort_key(other)) == older
