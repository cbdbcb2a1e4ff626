"""Errors of the program: an exception, one with plain words, one in an apply, and an early end."""

import sys

import pulumi
from conform import stage


def fail(_text: str) -> str:
    raise ValueError("in an apply")


pulumi.export("known", "a")
if stage == 1:
    {}["missing"]
if stage == 2:
    raise pulumi.RunError("plain words")
if stage == 3:
    pulumi.export("failing", pulumi.Output.from_input("a").apply(fail))
if stage == 4:
    sys.exit(0)
