"""Ansible's side: which servers there are, and how they are reached."""
