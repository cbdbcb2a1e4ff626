"""Codes of planning (KRJ2xx)."""

from kraj.errors import error_code

PREFIXES_EXHAUSTED = error_code(
    "KRJ201",
    "Address range exhausted",
    "The supernet has no free prefix for another tenant.",
    "Enlarge the supernet, take longer tenant prefixes, or remove released entries of the ledger.",
)
LEDGER_CONFLICT = error_code(
    "KRJ202",
    "Address ledger contradicts the region",
    "A recorded prefix lies outside the supernet, overlaps another, or lies in a reserved range.",
    "Put addresses.yaml back to its last reviewed state, or change the address plan back.",
)
LEDGER_UNREADABLE = error_code(
    "KRJ203",
    "Address ledger unreadable",
    "addresses.yaml is not a ledger of the known version.",
    "Restore the file from version control.",
)
BLOCKS_EXHAUSTED = error_code(
    "KRJ204",
    "Tenant prefix too small",
    "The tenant's prefix has no room for the servers of all ordered services.",
    "Shorten tenant_prefix_length in region.yaml for new tenants, or order fewer services.",
)
OVER_CAPACITY = error_code(
    "KRJ210",
    "Order does not fit",
    "The region has less free capacity than the order needs.",
    "Order less, add capacity, or raise overcommit or lower headroom in region.yaml.",
)
NAME_TOO_LONG = error_code(
    "KRJ220",
    "Name too long",
    "A name that is made from region, code and service exceeds what OpenStack or DNS accept.",
    "Shorten the region's name, the naming prefix or the service's name.",
)
