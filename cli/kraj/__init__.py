"""kraj: infrastructure as code for a shared regional government cloud on OpenStack."""

__version__ = "0.1.0"
