"""Proofs: reads the running cloud back through its API and compares it with the plan.

Never reads a stack's state: what a state file believes is no evidence. `reader` fetches, `compare`
and `centre` judge (pure functions), `standards` looks with a tenant's own unprivileged credential.
"""
