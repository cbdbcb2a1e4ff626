"""What the commands do: reads files, plans, drives engines and proofs; returns plain values.

The only part that joins the others. It prints nothing and parses no options.
"""
