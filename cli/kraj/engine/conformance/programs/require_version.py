"""The program asks for versions of Pulumi's engine that it works with."""

import pulumi
from conform import stage

pulumi.require_pulumi_version(">=3.0.0" if stage == 1 else ">=99.0.0")
pulumi.export("known", "a")
