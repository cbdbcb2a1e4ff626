"""Values of all kinds as inputs and outputs; then some change their kind."""

import pulumi
from conform import Thing, stage
from pulumi import Output

values = {
    "null": None,
    "true": True,
    "false": False,
    "zero": 0,
    "whole": 7,
    "negative": -3,
    "fraction": 0.125,
    "large": 9007199254740991,
    "huge": 1e300,
    "empty": "",
    "text": 'Příliš žluťoučký kůň 🐎\n"quoted" \\ <&>',
    "digits": "007",
    "emptyList": [],
    "emptyObject": {},
    "list": [1, "two", None, [3, []], {"four": 4}],
    "object": {"a": {"b": {"c": [True]}}, "with space": 1, "with.dot": 2, "ž": 3},
    "output": Output.from_input({"a": [Output.from_input(1)]}),
}
Thing("thing", **values)
Thing("kinds", value=1 if stage == 1 else True, other="1" if stage == 1 else 1, none=[None])
for name, value in values.items():
    pulumi.export(name, value)
