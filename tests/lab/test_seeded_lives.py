"""Tenants whose lives are full of faults, each from a seed: all is right, or an error says why not.

After an error the next run has to put it right.

`make test` lives every 40th of 200 lives, `make test-all` all of them: KRAJ_FAULT_LIVES says how
many. KRAJ_FAULT_SEED=17 repeats one, and numbers of 200 and more are lives that nobody has lived.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import yaml

from kraj.engine.local import orphans
from tests.lab.conftest import LabCloud
from tests.lab.life import Ground, Life, life

pytestmark = pytest.mark.lab

ALL = 200
LIVES = int(os.environ.get("KRAJ_FAULT_LIVES", "5"))
SIDE_BY_SIDE = 4
SECONDS = 600  #: for one life on a loaded machine


def seeds() -> list[int]:
    """Those that are lived: the given ones, or a share that is spread over all."""
    given = os.environ.get("KRAJ_FAULT_SEED")
    if given:
        return [int(seed) for seed in given.split(",")]
    return list(range(0, ALL, max(1, ALL // LIVES)))[:LIVES]


@pytest.fixture(scope="module")
def ground(lab_cloud: LabCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A small image and a flavour for all lives."""
    connection = lab_cloud.connect()
    content = yaml.safe_load(lab_cloud.clouds_file.read_text(encoding="utf-8"))
    folder = tmp_path_factory.mktemp("lives")
    disk = folder / "disk.raw"
    disk.write_bytes(b"\0" * 1024)
    name = f"lives-{secrets.token_hex(3)}"
    image = connection.image.create_image(
        name=name,
        filename=str(disk),
        disk_format="raw",
        container_format="bare",
        visibility="public",
        wait=True,
    )
    flavor = connection.compute.create_flavor(name=name, vcpus=1, ram=64, disk=0)
    yield Ground(connection, content["clouds"][lab_cloud.name], folder, image.id, name)
    connection.compute.delete_flavor(flavor)
    connection.image.delete_image(image)


@pytest.fixture(scope="module")
def lives(ground: Ground) -> Iterator[dict[int, Future[None]]]:
    """All lives, some of them at a time; pauses are short, as those of `tests.lab.life`."""
    futures: dict[int, Future[None]] = {seed: Future() for seed in seeds()}
    waiting = iter(futures.items())  # of which each thread takes the next one
    turn = threading.Lock()

    def work() -> None:
        while True:
            with turn:
                seed, future = next(waiting, (0, None))
            if future is None:
                return
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(lived(seed, ground))
                except BaseException as error:
                    future.set_exception(error)

    # Daemons: a life that hangs fails its own test and keeps no test run from ending.
    threads = [threading.Thread(target=work, daemon=True) for _number in range(SIDE_BY_SIDE)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(orphans, "_AT_WORK_SECONDS", 0.3)
        for thread in threads:
            thread.start()
        yield futures
        for future in futures.values():
            future.cancel()
        for thread in threads:
            thread.join(SECONDS)


def lived(seed: int, ground: Ground) -> None:
    with life(seed, ground) as one:
        try:
            one.live()
        except BaseException as error:
            error.add_note(told(one))
            raise
        finally:
            (ground.folder / one.name / "story.txt").write_text(told(one), encoding="utf-8")


def told(one: Life) -> str:
    """How to live it again, and what happened."""
    command = f"KRAJ_FAULT_SEED={one.seed} .venv/bin/pytest tests/lab/{Path(__file__).name}"
    parts = f"parts: {one.spec.config['life:parts']}"
    return "\n".join([f"to repeat it: {command}", parts, *one.story, "faults:", *one.faults()])


@pytest.mark.parametrize("seed", seeds())
def test_a_life_in_bad_weather_ends_as_it_should(lives: dict[int, Future[Any]], seed: int) -> None:
    lives[seed].result(timeout=SECONDS)
