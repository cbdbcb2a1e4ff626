"""Drivers of the lab's OpenStack: everything below an API that would need hardware.

Installed into the lab's own virtual environment, where they are found by entry point or by the
launcher. They import OpenStack's services, which kraj itself never does.
"""
