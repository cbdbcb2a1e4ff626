"""Proofs of the role `certificates`: what it put on the host is whole, and good for a while."""

from __future__ import annotations

from shlex import quote
from typing import Any

import pytest

FOLDER = "/etc/ssl/kraj"


@pytest.fixture
def names(host: Any) -> list[str]:
    """The certificates' files, without their ending."""
    listed = host.check_output(f"ls {FOLDER}").split()
    found = [name.removesuffix(".crt") for name in listed if name.endswith(".crt")]
    assert found, f"no certificate in {FOLDER}"
    return found


def test_each_certificate_leads_to_its_authority(host: Any, names: list[str]) -> None:
    for name in names:
        chain, certificate = (quote(f"{FOLDER}/{name}.{end}") for end in ("chain", "crt"))
        checked = host.run(
            f"openssl verify -purpose sslserver -no-CApath -CAfile {chain} "
            f"-untrusted {certificate} {certificate}"
        )
        assert checked.rc == 0, checked.stderr


def test_each_certificate_is_of_the_key_beside_it(host: Any, names: list[str]) -> None:
    for name in names:
        key, certificate = (quote(f"{FOLDER}/{name}.{end}") for end in ("key", "crt"))
        of_key = host.check_output(f"openssl pkey -in {key} -pubout")
        assert host.check_output(f"openssl x509 -in {certificate} -noout -pubkey") == of_key


def test_keys_are_for_services_alone(host: Any, names: list[str]) -> None:
    for name in names:
        key = host.file(f"{FOLDER}/{name}.key")
        assert (key.user, key.group, key.mode) == ("root", "ssl-cert", 0o640)


def test_no_certificate_ends_within_three_days(host: Any, names: list[str]) -> None:
    for name in names:
        checked = host.run(
            f"openssl x509 -in {quote(f'{FOLDER}/{name}.crt')} -noout -enddate "
            f"-checkend {3 * 86400}"
        )
        assert checked.rc == 0, f"{name}: {checked.stdout}"


def test_the_host_warns_in_time(host: Any) -> None:
    assert host.service("kraj-certificates.timer").is_enabled
    assert host.service("kraj-certificates.timer").is_running
