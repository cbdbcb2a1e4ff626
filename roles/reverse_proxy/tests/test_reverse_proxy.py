"""Proofs of the role `reverse_proxy`: TLS as browsers want it, health, nothing for strangers."""

from __future__ import annotations

from typing import Any

import pytest

#: Asks this host by HTTPS under a name and prints the status. Whose certificate it is, is proved by
#: the role `certificates`.
_ASK = (
    "import http.client, ssl; "
    "asked = http.client.HTTPSConnection('127.0.0.1', timeout=30, "
    "context=ssl._create_unverified_context()); "
    "asked.request('GET', '{path}', headers=dict(Host='{name}')); "
    "print(asked.getresponse().status)"
)


def status(host: Any, path: str, name: str) -> str:
    return str(host.check_output(f'python3 -c "{_ASK.format(path=path, name=name)}"'))


def test_nginx_runs_and_starts_with_the_host(host: Any) -> None:
    nginx = host.service("nginx")
    assert nginx.is_running
    assert nginx.is_enabled


def test_its_configuration_is_good(host: Any) -> None:
    checked = host.run("nginx -t -q")
    assert checked.rc == 0, checked.stderr
    assert not checked.stderr


@pytest.mark.parametrize("port", [80, 443])
def test_it_listens(host: Any, port: int) -> None:
    assert host.socket(f"tcp://0.0.0.0:{port}").is_listening


@pytest.mark.parametrize(
    ("version", "taken"), [("tls1", False), ("tls1_1", False), ("tls1_2", True), ("tls1_3", True)]
)
def test_it_takes_no_old_tls(host: Any, version: str, taken: bool) -> None:
    shaken = host.run(
        f"echo | openssl s_client -connect 127.0.0.1:443 -{version} -cipher ALL:@SECLEVEL=0"
    )
    assert (shaken.rc == 0) is taken, shaken.stderr


def test_the_health_path_answers_under_any_name(host: Any) -> None:
    """502 is what a cold standby says, where nothing runs behind; services prove more."""
    assert status(host, "/healthz", "unknown.invalid") in ("200", "502")


def test_an_unknown_name_gets_nothing_else(host: Any) -> None:
    assert status(host, "/", "unknown.invalid") == "421"


def test_logs_go_after_their_time(host: Any) -> None:
    checked = host.run("logrotate --debug /etc/logrotate.d/nginx")
    assert checked.rc == 0, checked.stderr
    assert "maxage" in host.file("/etc/logrotate.d/nginx").content_string
