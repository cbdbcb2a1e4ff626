"""Outputs become secret by option; then one more does; then none of them is."""

import pulumi
from conform import Thing, stage
from pulumi import ResourceOptions

names = {1: ["path"], 2: ["path", "length"], 3: None}[stage]
thing = Thing("thing", text="x", opts=ResourceOptions(additional_secret_outputs=names))
pulumi.export("path", thing.path)
pulumi.export("length", thing.length)
