"""Decides everything before anything is touched: addresses, capacity, names, placement, quotas.

Pure functions from a region's files (`kraj.model`) and the address ledger to the JSON documents
that the stack programs read. No input or output, no Pulumi, no Ansible, no openstacksdk.
"""
