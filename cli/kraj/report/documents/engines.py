"""Documents about both engines: `engine switch` and `engine conformance`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from kraj.report.documents.base import REGION, Document, Part, named, stack_field
from kraj.report.documents.failures import ErrorEntry

if TYPE_CHECKING:
    # Every command loads the documents; engines' parts are slow to load.
    from kraj.engine.conformance.suite import FeatureResult
    from kraj.operations.conformance import RoundTrip
    from kraj.operations.switching import RegionSwitch, StackSwitch


class StackSwitchEntry(Part):
    """What came of one stack."""

    stack: str = stack_field()
    outcome: Literal["switched", "checked", "already", "kept"] = Field(
        description=(
            "`switched`; `checked`: could be; `already`: by an earlier run; `kept`: see `error`."
        )
    )
    backup: str | None = Field(description="The file with its state before; null without one.")
    error: ErrorEntry | None = Field(
        description="Why it stays with its engine, with each differing property as a cause."
    )

    @classmethod
    def of(cls, stack: StackSwitch) -> StackSwitchEntry:
        return cls(
            stack=stack.label,
            outcome=stack.outcome,
            backup=str(stack.backup) if stack.backup else None,
            error=ErrorEntry.of(stack.error) if stack.error else None,
        )


class EngineSwitchDocument(Document):
    """What came of moving a region to the other engine."""

    schema_: Literal["kraj.engine.switch/1"] = named("kraj.engine.switch/1")
    region: str = Field(description=REGION)
    engine: Literal["local", "pulumi"] = Field(description="The engine that was asked for.")
    chosen: Literal["local", "pulumi", ""] = Field(
        description="What is recorded for the region now; empty where kraj chooses by itself."
    )
    dry_run: bool = Field(description="Whether it was only tried.")
    stacks: tuple[StackSwitchEntry, ...] = Field(description="One entry per stack that exists.")
    left: tuple[str, ...] = Field(description="Stacks that are still to be switched.")

    @classmethod
    def of(cls, region: str, switch: RegionSwitch) -> EngineSwitchDocument:
        return cls(
            region=region,
            engine=switch.engine,
            chosen=switch.chosen,
            dry_run=switch.rehearsed,
            stacks=tuple(StackSwitchEntry.of(stack) for stack in switch.stacks),
            left=switch.left,
        )


class FeatureCounts(Part):
    """Features by what the local engine does with them, and what is not documented."""

    same: int = Field(ge=0, description="Done as Pulumi's engine does it.")
    differs: int = Field(ge=0, description="Done with documented differences.")
    refused: int = Field(ge=0, description="Refused by name before anything is touched.")
    unexplained: int = Field(ge=0, description="With anything that is not documented.")

    @classmethod
    def of(cls, features: Iterable[FeatureResult]) -> FeatureCounts:
        """A feature with anything unexplained counts as nothing else."""
        bad = {item.key: any(item.unexplained.values()) for item in features}
        words = [item.word for item in features if not bad[item.key]]
        return cls(
            same=words.count("same"),
            differs=words.count("differs"),
            refused=words.count("refused"),
            unexplained=sum(bad.values()),
        )


class FeatureEntry(Part):
    """What came of one feature."""

    key: str = Field(description="Its name in the suite.")
    title: str = Field(description="As a user would look for it; Markdown.")
    group: str = Field(description="What it belongs to.")
    local: Literal["same", "differs", "refused"] = Field(
        description="What is documented of the local engine."
    )
    texts: tuple[str, ...] = Field(description="The differences, or the words of the refusal.")
    unexplained: dict[str, tuple[str, ...]] = Field(
        description="By engine that ran: what was otherwise than documented."
    )

    @classmethod
    def of(cls, feature: FeatureResult) -> FeatureEntry:
        return cls(
            key=feature.key,
            title=feature.title,
            group=feature.group,
            local=feature.word,
            texts=feature.texts,
            unexplained=feature.unexplained,
        )


class RoundTripEntry(Part):
    """A stack's state that went to the other engine and back, in copies."""

    stack: str = stack_field()
    error: ErrorEntry | None = Field(description="What was otherwise; null where nothing was.")


class EngineConformanceDocument(Document):
    """Whether the engines of this machine do what is documented of them."""

    schema_: Literal["kraj.engine.conformance/1"] = named("kraj.engine.conformance/1")
    passed: bool = Field(description="Whether nothing is unexplained and no round trip failed.")
    engines: dict[str, str] = Field(description="The engines that ran, with their versions.")
    counts: FeatureCounts = Field(description="How many features.")
    features: tuple[FeatureEntry, ...] = Field(description="In the order of the documentation.")
    round_trips: tuple[RoundTripEntry, ...] | None = Field(
        description="One entry per stack; null without `--round-trip`."
    )

    @classmethod
    def of(
        cls,
        engines: Mapping[str, str],
        features: Sequence[FeatureResult],
        trips: Sequence[RoundTrip] | None,
    ) -> EngineConformanceDocument:
        counts = FeatureCounts.of(features)
        failed = [trip for trip in trips or () if trip.error]
        entries = (
            tuple(
                RoundTripEntry(
                    stack=trip.label, error=ErrorEntry.of(trip.error) if trip.error else None
                )
                for trip in trips
            )
            if trips is not None
            else None
        )
        return cls(
            passed=not failed and not counts.unexplained,
            engines=dict(engines),
            counts=counts,
            features=tuple(FeatureEntry.of(item) for item in features),
            round_trips=entries,
        )
