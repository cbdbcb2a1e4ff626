"""Command groups: each module parses options, calls one function of `kraj.operations`, prints."""
