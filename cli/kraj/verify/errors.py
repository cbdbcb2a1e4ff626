"""Codes of verification (KRJ6xx)."""

from kraj.errors import error_code

NOT_PROVED = error_code(
    "KRJ601",
    "Not proved",
    "What runs in the cloud differs from the plan.",
    "Read the failed checks above; `kraj up` mends what a person has changed by hand.",
)
NOTHING_TO_PROVE = error_code(
    "KRJ602",
    "Nothing to prove",
    "No stack of the region was provisioned yet, so there is nothing to read back.",
    "Provision first: `kraj up`.",
)
