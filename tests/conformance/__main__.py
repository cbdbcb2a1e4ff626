"""Records what both engines do, and writes the table: `python -m tests.conformance …`.

- `record [feature …]` runs the programs on both engines (this needs the `pulumi` command) and
  writes `recorded/<feature>.json`;
- `export` applies some of the programs with Pulumi's engine and keeps its exports in `exported`;
- `judge [feature …]` runs the local engine alone and writes anew how it stands to the record;
- `show <feature>` runs the local engine alone and prints what differs from the record;
- `table` writes docs/engine-conformance.md from the records.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from kraj.engine.conformance.comparing import differences
from kraj.engine.conformance.features import FEATURES, Feature, feature
from kraj.engine.conformance.records import read_record, write_record
from kraj.engine.conformance.round_trip import CARRIED, Journey
from kraj.engine.conformance.running import on_local, on_pulumi, pulumi_engine
from tests.conformance.table import TABLE, table


def record(chosen: Feature) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pulumi = on_pulumi(chosen, Path(folder) / "pulumi")
        local = on_local(chosen, Path(folder) / "local")
    write_record(chosen, pulumi, local)


def export() -> None:
    for key in CARRIED:
        with tempfile.TemporaryDirectory() as folder:
            engine = pulumi_engine(Path(folder) / "state")
            journey = Journey(feature(key), Path(folder) / "run", engine)
            journey.write(journey.begin())


def judge(chosen: Feature) -> None:
    with tempfile.TemporaryDirectory() as folder:
        local = on_local(chosen, Path(folder) / "local")
    write_record(chosen, read_record(chosen)["pulumi"], local)


def show(chosen: Feature) -> None:
    with tempfile.TemporaryDirectory() as folder:
        local = on_local(chosen, Path(folder) / "local")
    found = differences(read_record(chosen)["pulumi"], local)
    print(json.dumps(found, indent=1, ensure_ascii=False))


def main(words: list[str]) -> None:
    command, *keys = words or ["table"]
    if command == "export":
        export()
        return
    chosen = [feature(key) for key in keys] or list(FEATURES)
    if command == "table":
        TABLE.write_text(table(), encoding="utf-8")
        return
    for item in chosen:
        print(item.key, flush=True)
        {"record": record, "judge": judge, "show": show}[command](item)


if __name__ == "__main__":
    main(sys.argv[1:])
