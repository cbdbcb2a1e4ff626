"""Servers of the lab's depth `vm`: virtual machines by libvirt.

Networks, routers, packet rules and disks are those of `kraj_lab_drivers.hosts`.
"""
