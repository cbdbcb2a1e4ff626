"""Runs a feature's program stage by stage on an engine and notes all that can be compared.

An observation is JSON: planned and done steps, outputs, remarks, events, the error's code, the
state, what the provider was asked, in which order, and what is left in its folder. What is
different from run to run (times, random ids, folders, ciphertexts) is replaced.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kraj.engine.base import Engine, Result, StackSpec
from kraj.engine.conformance.features import Feature, Stage
from kraj.engine.conformance.provider import read_log
from kraj.engine.conformance.states import comparable
from kraj.engine.errors import UNSUPPORTED
from kraj.engine.local.crypto import KeyRing
from kraj.engine.local.values import UNKNOWN_SENTINEL
from kraj.engine.plugin import write_plugin
from kraj.errors import KrajError
from kraj.events import Event

HERE = Path(__file__).parent
PASSPHRASE = "an open secret of the conformance suite"  # noqa: S105 - and no more
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Observation = dict[str, Any]


@dataclass
class Bench:
    """A feature's program with its folders, on one engine."""

    root: Path
    feature: Feature
    engine: Engine
    events: list[Event] = field(default_factory=list)

    @property
    def cloud(self) -> Path:
        return self.root / "cloud"

    def spec(self, stage: Stage, number: int) -> StackSpec:
        return StackSpec(
            project="suite",
            stack=f"test.{stage.stack}",
            label=f"suite:{stage.stack}",
            program=self.root / "program",
            config={
                "suite:stage": str(number),
                "conform:folder": str(self.cloud),
                **self.feature.config,
                **stage.config,
            },
            secret_config={"conform:apiKey": "hush", "suite:password": "hidden"},
        )

    def prepare(self) -> None:
        """Write program, project file and plugin, and what is in the cloud before."""
        program = self.root / "program"
        program.mkdir(parents=True)
        shutil.copy(HERE / "conform.py", program / "conform.py")
        shutil.copy(HERE / "programs" / f"{self.feature.key}.py", program / "__main__.py")
        plugin = write_plugin(
            self.root / "plugin", "conform", "kraj.engine.conformance.provider:ConformProvider"
        )
        project = {
            "name": "suite",
            "runtime": "python",
            "config": {"suite:given": {"type": "string", "default": "by the project"}},
            "plugins": {"providers": [{"name": "conform", "path": str(plugin)}]},
        }
        (program / "Pulumi.yaml").write_text(json.dumps(project), encoding="utf-8")
        self.cloud.mkdir()
        self.change(self.feature.before)

    def change(self, by_hand: Mapping[str, Mapping[str, Any] | None]) -> None:
        """Change things in the cloud by hand: new content by id, None removes."""
        for identifier, content in by_hand.items():
            path = self.cloud / f"{identifier}.json"
            if content is None:
                path.unlink()
            else:
                path.write_text(json.dumps(content), encoding="utf-8")


def observe(feature: Feature, engine: Engine, root: Path) -> list[Observation]:
    """Run all stages of a feature; one observation per stage."""
    bench = Bench(root, feature, engine)
    bench.prepare()
    return [_observe(bench, stage, at) for at, stage in enumerate(feature.stages, 1)]


def _observe(bench: Bench, stage: Stage, number: int) -> Observation:
    bench.change(stage.by_hand)
    spec, engine, normal = bench.spec(stage, number), bench.engine, _Normal(bench.root)
    logged = len(read_log(bench.cloud))
    edges = _edges(_deployment(engine, spec))
    found: Observation = {}
    if stage.planned:
        found["plan"] = _run(bench, stage, lambda: _plan(engine, spec, stage, bench), normal)
    found["run"] = _run(bench, stage, lambda: _act(engine, spec, stage, bench), normal)
    deployment = _deployment(engine, spec)
    found["state"] = normal(_state(deployment))
    calls = read_log(bench.cloud)[logged:]
    found["calls"] = _calls(calls)
    found["order"] = _order(calls, {**edges, **_edges(deployment)})
    found["cloud"] = normal(
        {path.stem: json.loads(path.read_text("utf-8")) for path in bench.cloud.glob("*.json")}
    )
    return found


def _plan(engine: Engine, spec: StackSpec, stage: Stage, bench: Bench) -> Result:
    report = bench.events.append
    if stage.action == "up":
        return engine.preview(spec, report, refresh=stage.refresh)
    act = engine.refresh if stage.action == "refresh" else engine.destroy
    return act(spec, report, preview_only=True)


def _act(engine: Engine, spec: StackSpec, stage: Stage, bench: Bench) -> Result:
    report = bench.events.append
    if stage.action == "up":
        return engine.up(spec, report, refresh=stage.refresh)
    act = engine.refresh if stage.action == "refresh" else engine.destroy
    return act(spec, report)


def _run(bench: Bench, stage: Stage, work: Callable[[], Result], normal: _Normal) -> Observation:
    bench.events.clear()
    try:
        result = work()
    except KrajError as error:
        text = "\n".join([str(error), *map(str, error.causes)])
        # A refusal names one of the resources that use the feature: which one is chance.
        refused = error.code is UNSUPPORTED
        missing = [word for word in stage.error_words if word not in text and not refused]
        # What else ran when it failed is chance.
        failed = {name for name, said in _events(bench.events).items() if "failed" in str(said)}
        events = {key: said for key, said in _events(bench.events).items() if key in failed}
        told: Observation = {"error": error.code.code, "message": normal(text), "events": events}
        return {**told, "not told": missing} if missing else told
    return {
        "steps": {step.urn.split("::", 2)[2]: _step(step) for step in result.steps},
        "outputs": normal(dict(result.outputs)),
        "remarks": normal(sorted(result.diagnostics)),
        "events": _events(bench.events),
    }


def _step(step: Any) -> Observation:
    told = {"operation": step.operation.value}
    if step.changed:
        told["changed"] = sorted(step.changed)
    if step.replaced_by:
        told["replaced_by"] = sorted(step.replaced_by)
    if step.protected:
        told["protected"] = True
    return told


def _events(events: Iterable[Event]) -> dict[str, list[str]]:
    """What was reported, by resource; what stays as it is may be told of with or without begin."""
    told: dict[str, list[str]] = {}
    for event in events:
        if event.resource and event.kind.value != "progress" and event.operation != "same":
            name = event.resource.split("::", 2)[2]
            told.setdefault(name, []).append(f"{event.kind.value} {event.operation}")
    return told


# --- state ----------------------------------------------------------------------------------------


def _deployment(engine: Engine, spec: StackSpec) -> dict[str, Any]:
    return engine.export_state(spec)["deployment"] or {}


def _state(deployment: dict[str, Any]) -> dict[str, Any]:
    """The resources of a deployment by URN, with secrets opened."""
    resources = comparable(deployment, KeyRing(lambda: PASSPHRASE))
    for told in resources.values():
        for part in ("inputs", "outputs"):
            if isinstance(told, dict) and "__provider" in told.get(part, ()):
                told[part]["__provider"] = "<code>"  # of a dynamic provider, with the file it is of
    return resources


# --- the provider's calls -------------------------------------------------------------------------


def _calls(log: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """What the provider was asked to do, by resource, in order."""
    calls: dict[str, list[str]] = {}
    for entry in log:
        if entry["phase"] == "begins":
            limit = f" within {entry['timeout']:g} s" if "timeout" in entry else ""
            calls.setdefault(entry["name"], []).append(f"{entry['call']} {entry['id']}{limit}")
    return calls


def _edges(deployment: Mapping[str, Any]) -> dict[tuple[str, str], None]:
    """Pairs (dependent, what it needs) of logical names."""
    edges: dict[tuple[str, str], None] = {}
    for item in deployment.get("resources") or ():
        needed = [*(item.get("dependencies") or ()), item.get("parent") or ""]
        for urn in filter(None, needed):
            edges[item["urn"].split("::", 3)[3], urn.split("::", 3)[3]] = None
    return edges


def _order(log: list[dict[str, Any]], edges: Iterable[tuple[str, str]]) -> list[str]:
    """Which of two calls on resources that depend on each other came first.

    Only such pairs: the order of others is chance.
    """
    times: dict[tuple[str, str], tuple[int, int]] = {}
    for at, entry in enumerate(log):
        key = entry["name"], entry["call"]
        begin, _end = times.get(key, (at, at))
        times[key] = (begin, at)
    order = []
    for dependent, needed in edges:
        for first in (key for key in times if key[0] == dependent):
            for second in (key for key in times if key[0] == needed):
                one, other = f"{first[1]} {first[0]}", f"{second[1]} {second[0]}"
                if times[first][1] < times[second][0]:
                    order.append(f"{one} before {other}")
                elif times[second][1] < times[first][0]:
                    order.append(f"{other} before {one}")
                else:
                    order.append(f"{one} during {other}")
    return sorted(order)


class _Normal:
    """Replaces what differs from run to run: folders and random ids."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)

    def __call__(self, value: Any) -> Any:
        if isinstance(value, str):
            return value if value == UNKNOWN_SENTINEL else self._text(value)
        if isinstance(value, dict):
            return {self(key): self(item) for key, item in sorted(value.items())}
        return [self(item) for item in value] if isinstance(value, list) else value

    def _text(self, text: str) -> str:
        return _UUID.sub("<uuid>", text.replace(self._root, "<root>"))
