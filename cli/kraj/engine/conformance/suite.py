"""Runs the suite on this machine: does each engine do what is recorded of it?

The local engine is compared with what was recorded of Pulumi's, and needs no `pulumi` command;
where there is one, it is compared with its own record.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kraj.engine.conformance.comparing import Observation, differences, explained
from kraj.engine.conformance.features import FEATURES, Feature
from kraj.engine.conformance.records import read_record, verdict
from kraj.engine.conformance.standing import standing
from kraj.engine.switching_errors import UNKNOWN_FEATURE
from kraj.errors import KrajError
from kraj.events import Event, EventKind, Reporter

ACTION = "conformance"


@dataclass(frozen=True, slots=True)
class FeatureResult:
    """What came of one feature on this machine."""

    key: str
    title: str  #: Markdown
    group: str
    word: str  #: what is documented of the local engine: `same`, `differs`, `refused`
    texts: tuple[str, ...]  #: explanations, or the words of the refusal
    #: What is otherwise than recorded, by engine; without the engines that did not run.
    unexplained: dict[str, tuple[str, ...]]


def chosen_features(keys: Sequence[str]) -> tuple[Feature, ...]:
    """The features of these keys, all where there are none. Raises KRJ348."""
    known = {item.key: item for item in FEATURES}
    for key in keys:
        if key not in known:
            raise KrajError(
                UNKNOWN_FEATURE, f"there is no feature {key!r}; known are {', '.join(known)}"
            )
    return tuple(known[key] for key in keys) or FEATURES


def run_suite(
    features: Sequence[Feature], engines: Sequence[str], report: Reporter, *, jobs: int = 2
) -> list[FeatureResult]:
    """Run programs on the engines, some at once. What goes wrong is part of the results."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for engine in engines:
        count = _Counter(engine, len(features), report)
        with ThreadPoolExecutor(jobs) as pool:
            futures = [pool.submit(_run, engine, item, count) for item in features]
            try:
                found |= {
                    (engine, item.key): future.result()
                    for item, future in zip(features, futures, strict=True)
                }
            finally:
                for future in futures:
                    future.cancel()
        count.end()
    return [
        FeatureResult(
            item.key,
            item.title,
            item.group,
            standing(item).word,
            standing(item).texts,
            {engine: found[engine, item.key] for engine in engines},
        )
        for item in features
    ]


class _Counter:
    """Reports how far an engine has come."""

    def __init__(self, engine: str, total: int, report: Reporter) -> None:
        self._engine, self._total, self._report = engine, total, report
        self._done = 0
        self._lock = threading.Lock()
        report(Event(EventKind.STARTED, ACTION, engine, total=total))

    def one_done(self) -> None:
        with self._lock:
            self._done += 1
            self._tell(EventKind.PROGRESS)

    def end(self) -> None:
        self._tell(EventKind.DONE)

    def _tell(self, kind: EventKind) -> None:
        self._report(Event(kind, ACTION, self._engine, completed=self._done, total=self._total))


def _run(engine: str, feature: Feature, count: _Counter) -> tuple[str, ...]:
    """What is otherwise than recorded."""
    # Loaded late: this loads both engines and Pulumi's SDK, for which `kraj` itself need not wait.
    from kraj.engine.conformance.running import on_local, on_pulumi  # noqa: PLC0415

    record = read_record(feature)
    work = on_local if engine == "local" else on_pulumi
    with tempfile.TemporaryDirectory(prefix="kraj-") as folder:
        try:
            seen = work(feature, Path(folder) / "run")
        except Exception as error:  # whatever an engine does here is what is asked
            return (f"{type(error).__name__}: {error}",)
        finally:
            count.one_done()
    compare = _local_is_otherwise if engine == "local" else _pulumi_is_otherwise
    return tuple(compare(feature, record, seen))


def _local_is_otherwise(
    feature: Feature, record: dict[str, Any], seen: list[Observation]
) -> Iterator[str]:
    now = verdict(record["pulumi"], seen)
    if now["refused"] != record["refused"]:
        was, is_ = (one["refused"] or "it is not refused" for one in (record, now))
        yield f"{was} → {is_}"
    for place in sorted(now["differs"].keys() | record["differs"].keys()):
        one, other = (part["differs"].get(place) for part in (record, now))
        if one != other:
            was, is_ = (value["local"] if value else "as Pulumi's" for value in (one, other))
            yield f"{place}: {was!r} → {is_!r}"
    if now == verdict_of(record):
        yield from explained(feature, now["differs"])[1]


def verdict_of(record: dict[str, Any]) -> dict[str, Any]:
    """What a record says of the local engine."""
    return {key: record[key] for key in ("refused", "differs")}


def _pulumi_is_otherwise(
    _feature: Feature, record: dict[str, Any], seen: list[Observation]
) -> Iterator[str]:
    for place, values in differences(record["pulumi"], seen).items():
        yield f"{place}: {values['pulumi']!r} → {values['local']!r}"
