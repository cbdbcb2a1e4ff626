"""The lab's depth `hosts`: servers that boot, networks that carry packets, disks that hold bytes.

`guests` runs a server as a container with systemd, `disks` keeps its volumes, `fabric` its links
and bridges, `rules` and `routers` say what may pass, and `agent` follows what Neutron is told. The
nova driver is `kraj_lab_drivers.nova_virt.kraj_hosts`.
"""
