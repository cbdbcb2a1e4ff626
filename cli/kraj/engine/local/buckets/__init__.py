"""Where the files of states are kept: one small interface (`base`), one module per kind of place.

Nothing is imported here: the libraries of a place are loaded when it is used.
"""
