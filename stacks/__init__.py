"""Pulumi programs of a region's technology centre and of its tenants.

`centre/` and `tenant/` are the programs, `components/` is what they are made of. They read one
JSON document each (`kraj.planning.documents`) and decide nothing: no YAML, no address, no clock, no
chance.
"""
