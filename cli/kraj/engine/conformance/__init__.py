"""The conformance suite: small Pulumi programs that both engines run, and what came of it.

`features` lists what a program can use; `programs` has one program for each, `recorded` what both
engines did with it, `exported` states of Pulumi's to take over. `suite` runs them on this machine.
The table docs/engine-conformance.md is made from the records by tests/conformance.
"""
