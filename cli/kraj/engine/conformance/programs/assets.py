"""Texts and files as values."""

import pulumi
from conform import Thing

Thing("thing", content=pulumi.StringAsset("content"), file=pulumi.FileAsset("conform.py"))
