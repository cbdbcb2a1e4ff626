"""What a program can learn of where it runs."""

import os
from pathlib import Path

import pulumi
from conform import Thing

pulumi.export("stack", pulumi.get_stack())
pulumi.export("project", pulumi.get_project())
pulumi.export("organization", pulumi.get_organization())
pulumi.export("preview", pulumi.runtime.is_dry_run())
pulumi.export("here", (Path.cwd() / "conform.py").is_file())
pulumi.export("file", Path(__file__).name)
pulumi.export("main", __name__)
pulumi.export("variable", os.environ.get("SUITE_NOT_SET", "not set"))
pulumi.export("urn", Thing("thing", text="a").urn)
pulumi.export("computed-urn", pulumi.create_urn("a", "conform:index:Thing"))
