"""What a region is: its files as frozen, checked values, and errors that say what is wrong.

Reading and checking only. Addresses, capacity and documents are `kraj.planning`'s; nothing here
imports Pulumi, Ansible or openstacksdk.
"""
