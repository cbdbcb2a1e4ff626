"""Limits of time reach the provider with each operation."""

from conform import Thing, stage
from pulumi import CustomTimeouts, ResourceOptions

limits = CustomTimeouts(create="90s", update="1h30m", delete="1m30.5s")
Thing("limited", text=f"version {stage}", opts=ResourceOptions(custom_timeouts=limits))
Thing("unlimited", text=f"version {stage}")
if stage == 1:
    Thing("left-out", text="x", opts=ResourceOptions(custom_timeouts=limits))
