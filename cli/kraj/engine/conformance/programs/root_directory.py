"""The folder with the project file."""

from pathlib import Path

import pulumi

pulumi.export("project", (Path(pulumi.get_root_directory()) / "Pulumi.yaml").is_file())
pulumi.export("program", (Path(pulumi.get_root_directory()) / "conform.py").is_file())
