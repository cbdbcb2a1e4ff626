"""Folders as values."""

import pulumi
from conform import Thing

Thing("thing", archive=pulumi.AssetArchive({}))
