"""Codes of verification (KRJ6xx)."""

from kraj.errors import error_code

NOT_PROVED = error_code(
    "KRJ601",
    "Not proved",
    "What runs in the cloud differs from the plan.",
    "`kraj up --refresh` mends what was changed by hand; what nobody planned is yours to delete.",
)
NOTHING_TO_PROVE = error_code(
    "KRJ602",
    "Nothing to prove",
    "No stack of the region was provisioned yet, so there is nothing to read back.",
    "Provision first: `kraj up`.",
)
