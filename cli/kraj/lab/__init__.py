"""A real OpenStack on one machine, for trying, for tests and for the demo.

Not a mock and not for production: every API, database and message is OpenStack's own; only what
would need hardware (hypervisor, switch, storage, load balancer) is a small driver of ours.
"""

from kraj.lab.lab import Lab
from kraj.lab.settings import LabSettings

__all__ = ["Lab", "LabSettings"]
