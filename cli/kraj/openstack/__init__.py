"""OpenStack for Pulumi's contracts: resource types declared as data over openstacksdk.

`kraj.openstack.provider.OpenStackProvider` is the entrance; it serves Pulumi's ResourceProvider.
`docs/provider.md` tells how to add a type. Importing this package costs nothing: openstacksdk is
imported when the first request is made.
"""
