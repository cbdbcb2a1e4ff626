"""Documents about both engines: `engine switch` and `engine conformance`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kraj.operations.switching import RegionSwitch, StackSwitch
from kraj.report.documents.base import REGION, Document, Part, named, stack_field
from kraj.report.documents.failures import ErrorEntry


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
            outcome=stack.outcome,  # type: ignore[arg-type]  # checked by the model
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
            engine=switch.engine,  # type: ignore[arg-type]  # checked by the model
            chosen=switch.chosen,  # type: ignore[arg-type]
            dry_run=switch.rehearsed,
            stacks=tuple(StackSwitchEntry.of(stack) for stack in switch.stacks),
            left=switch.left,
        )
