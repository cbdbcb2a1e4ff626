"""A stack goes from one engine to the other and back, and neither finds anything to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from kraj.engine.base import Result
from kraj.engine.conformance.features import feature
from kraj.engine.conformance.round_trip import CARRIED, Journey
from kraj.engine.conformance.running import local_engine, pulumi_engine
from kraj.engine.pulumi import find_cli
from kraj.engine.switching import Mover
from kraj.events import ignore

each_carried = pytest.mark.parametrize("key", CARRIED)


def changes(result: Result) -> list[str]:
    return [
        f"{step.operation} {step.name}"
        for step in result.steps
        if step.operation not in ("same", "read")
    ]


@each_carried
def test_the_local_engine_takes_over_what_pulumi_exports(key: str, tmp_path: Path) -> None:
    journey = Journey(feature(key), tmp_path / "run", local_engine(tmp_path / "state"))
    found = journey.arrive(journey.bench.engine, journey.read())
    assert changes(found) == []
    assert changes(journey.bench.engine.refresh(journey.spec, ignore)) == []
    assert changes(journey.bench.engine.up(journey.spec, ignore)) == []


@pytest.mark.pulumi
@pytest.mark.skipif(find_cli() is None, reason="no `pulumi` command (`kraj engine install`)")
@each_carried
def test_a_stack_goes_to_pulumi_and_back(key: str, tmp_path: Path) -> None:
    local, pulumi = local_engine(tmp_path / "local"), pulumi_engine(tmp_path / "pulumi")
    journey = Journey(feature(key), tmp_path / "run", local)
    assert changes(journey.arrive(pulumi, journey.begin())) == []
    assert changes(pulumi.refresh(journey.spec, ignore)) == []
    assert changes(pulumi.up(journey.spec, ignore)) == []
    again = local_engine(tmp_path / "again")
    assert changes(journey.arrive(again, pulumi.export_state(journey.spec))) == []
    assert changes(again.up(journey.spec, ignore)) == []
    assert again.outputs(journey.spec, show_secrets=True) == local.outputs(
        journey.spec, show_secrets=True
    )


@pytest.mark.pulumi
@pytest.mark.skipif(find_cli() is None, reason="no `pulumi` command (`kraj engine install`)")
def test_a_stack_moves_to_a_place_of_pulumis_and_home_again(tmp_path: Path) -> None:
    local, pulumi = local_engine(tmp_path / "local"), pulumi_engine(tmp_path / "pulumi")
    journey = Journey(feature("secrets"), tmp_path / "run", local)
    journey.begin()
    outputs = local.outputs(journey.spec, show_secrets=True)
    for source, target in ((local, pulumi), (pulumi, local)):
        move = Mover(
            source=source,
            target=target,
            exporter=local,
            backups=tmp_path / f"from-{source.name}",
            state_dir=tmp_path / "local",
            refuse_locked=lambda _spec: None,
        )
        moved = move.move(journey.spec, ignore)
        assert moved.backup is not None
        assert moved.backup.is_file()
        assert (source.exists(journey.spec), target.exists(journey.spec)) == (False, True)
    assert local.outputs(journey.spec, show_secrets=True) == outputs
