"""Both engines do with the programs what the records say; see docs/engine-conformance.md.

The local engine is compared with what was recorded of Pulumi's, so that it needs no `pulumi`
command; where there is one, the records are compared with what that does today.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from kraj.engine.conformance.comparing import explained
from kraj.engine.conformance.features import FEATURES, Feature
from kraj.engine.conformance.records import RECORDS, read_record, verdict
from kraj.engine.conformance.running import on_local, on_pulumi
from kraj.engine.pulumi import find_cli
from tests.conformance.table import TABLE, table

each_feature = pytest.mark.parametrize("chosen", FEATURES, ids=lambda item: item.key)


@each_feature
def test_the_local_engine_stands_to_pulumi_as_recorded(chosen: Feature, tmp_path: Path) -> None:
    record = read_record(chosen)
    found = verdict(record["pulumi"], on_local(chosen, tmp_path / "run"))
    assert found == {key: record[key] for key in found}


@pytest.mark.pulumi
@pytest.mark.skipif(find_cli() is None, reason="no `pulumi` command (`kraj engine install`)")
@each_feature
def test_pulumi_does_what_was_recorded_of_it(chosen: Feature, tmp_path: Path) -> None:
    assert on_pulumi(chosen, tmp_path / "run") == read_record(chosen)["pulumi"]


def test_every_feature_has_a_program_and_a_record_and_there_are_no_others() -> None:
    keys = {item.key for item in FEATURES}
    assert len(keys) == len(FEATURES)
    assert {path.stem for path in RECORDS.glob("*")} == keys
    assert {path.stem for path in (RECORDS.parent / "programs").glob("*.py")} == keys


@each_feature
def test_every_difference_is_explained_and_every_explanation_is_of_one(chosen: Feature) -> None:
    by_explanation, unexplained = explained(chosen, read_record(chosen)["differs"])
    assert unexplained == []
    assert [text for text, places in by_explanation.items() if not places] == []


@each_feature
def test_a_stage_fails_on_pulumi_only_where_that_is_the_story(chosen: Feature) -> None:
    stages = zip(chosen.stages, read_record(chosen)["pulumi"], strict=True)
    failing = [at for at, (stage, seen) in enumerate(stages, 1) if "error" in seen["run"]]
    meant = [at for at, stage in enumerate(chosen.stages, 1) if stage.error_words]
    assert failing == meant


def test_the_table_is_what_the_records_give() -> None:
    assert TABLE.read_text(encoding="utf-8") == table()
