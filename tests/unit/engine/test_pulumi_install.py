"""Installing from a mirror: a real web server with archives in the form of Pulumi's releases."""

from __future__ import annotations

import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from kraj.engine.pulumi_cli import CLI_VERSION
from kraj.engine.pulumi_install import (
    archive_name,
    engine_status,
    install_cli,
    plugin_archive_name,
    plugin_version,
)
from kraj.errors import KrajError
from kraj.events import Event, EventKind, ignore

#: Does of the real command what installing needs: tells its version, unpacks a plugin.
COMMAND = f"""#!/bin/sh
if [ "$1" = version ]; then echo v{CLI_VERSION}; exit; fi
folder="$PULUMI_HOME/plugins/resource-openstack-v$6"
mkdir -p "$folder" && tar -xf "$8" -C "$folder"
"""


def archive(path: Path, files: dict[str, str]) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            item = tarfile.TarInfo(name)
            item.size, item.mode = len(text.encode()), 0o755
            tar.addfile(item, io.BytesIO(text.encode()))


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Say nothing in the tests' output."""


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """The mirror's folder."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    programs = {"pulumi/pulumi-language-python": "#!/bin/sh\n", "pulumi/pulumi": COMMAND}
    archive(folder / archive_name(), programs)
    plugin = plugin_archive_name(plugin_version())
    archive(folder / plugin, {"pulumi-resource-openstack": "#!/bin/sh\n"})
    sums(folder)
    return folder


def sums(folder: Path) -> None:
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(folder.glob("*.tar.gz"))
    ]
    (folder / "SHA256SUMS").write_text("".join(lines))


@pytest.fixture
def server(mirror: Path) -> Iterator[str]:
    """The mirror's address."""
    handler = partial(Quiet, directory=str(mirror))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return tmp_path / "home"


def test_command_and_plugin_come_from_the_mirror(server: str, home: Path) -> None:
    events: list[Event] = []
    cli = install_cli(None, server, events.append)
    assert (cli.path, cli.version) == (home / "bin" / "pulumi", CLI_VERSION)
    assert {path.name for path in cli.path.parent.iterdir()} == {"pulumi", "pulumi-language-python"}
    plugin = home / "plugins" / f"resource-openstack-v{plugin_version()}"
    assert (plugin / "pulumi-resource-openstack").is_file()
    done = [event.subject for event in events if event.kind is EventKind.DONE]
    assert done == ["pulumi", "openstack plugin"]


def test_a_folder_is_a_mirror_too(mirror: Path, tmp_path: Path) -> None:
    cli = install_cli(tmp_path / "here", str(mirror), ignore)
    assert cli.path == tmp_path / "here" / "bin" / "pulumi"


def test_what_is_installed_is_not_downloaded_again(mirror: Path) -> None:
    install_cli(None, str(mirror), ignore)
    for path in mirror.iterdir():
        path.unlink()
    events: list[Event] = []
    install_cli(None, str(mirror), events.append)
    assert all("is installed" in event.message for event in events)


def test_another_content_than_the_checksums_is_not_installed(mirror: Path, home: Path) -> None:
    archive(mirror / archive_name(), {"pulumi/pulumi": "#!/bin/sh\necho changed\n"})
    with pytest.raises(KrajError) as caught:
        install_cli(None, str(mirror), ignore)
    assert caught.value.code.code == "KRJ353"
    assert not (home / "bin").exists()


def test_a_file_without_a_checksum_is_not_installed(mirror: Path, home: Path) -> None:
    (mirror / "SHA256SUMS").write_text("")
    with pytest.raises(KrajError) as caught:
        install_cli(None, str(mirror), ignore)
    assert caught.value.code.code == "KRJ353"
    assert archive_name() in caught.value.message
    assert not (home / "bin").exists()


def test_a_plugin_with_a_wrong_checksum_is_not_installed(mirror: Path, home: Path) -> None:
    archive(mirror / plugin_archive_name(plugin_version()), {"pulumi-resource-openstack": "bad"})
    with pytest.raises(KrajError) as caught:
        install_cli(None, str(mirror), ignore)
    assert caught.value.code.code == "KRJ353"
    assert not (home / "plugins").exists()


def test_a_missing_file_names_its_address(server: str, mirror: Path) -> None:
    (mirror / archive_name()).unlink()
    with pytest.raises(KrajError) as caught:
        install_cli(None, server, ignore)
    assert caught.value.code.code == "KRJ352"
    assert f"{server}/{archive_name()}: HTTP 404" in caught.value.message


def test_no_server_says_what_to_do() -> None:
    with pytest.raises(KrajError) as caught:
        install_cli(None, "http://127.0.0.1:1", ignore)
    assert caught.value.code.code == "KRJ352"
    assert "Connection refused" in caught.value.message
    assert "--mirror" in caught.value.hint


def test_an_archive_in_another_form_is_refused(mirror: Path, home: Path) -> None:
    archive(mirror / archive_name(), {"elsewhere/pulumi": COMMAND})
    sums(mirror)
    with pytest.raises(KrajError) as caught:
        install_cli(None, str(mirror), ignore)
    assert caught.value.code.code == "KRJ354"
    assert list((home / "bin").iterdir()) == []


def test_the_status_names_what_is_missing_and_then_where_it_is(mirror: Path, home: Path) -> None:
    before = engine_status()
    assert (before["pulumi"], before["openstack_plugin"]) == ("not installed", "not installed")
    install_cli(None, str(mirror), ignore)
    after = engine_status()
    assert after["pulumi"] == str(home / "bin" / "pulumi")
    assert after["pulumi_version"] == CLI_VERSION
    assert after["openstack_plugin"].endswith("pulumi-resource-openstack")


def test_the_status_tells_of_a_command_that_does_not_run(home: Path) -> None:
    (home / "bin").mkdir(parents=True)
    broken = home / "bin" / "pulumi"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    assert "exit code 1" in engine_status()["pulumi"]
