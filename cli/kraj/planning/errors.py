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
    "A recorded prefix lies outside the supernet, overlaps another or a reserved range, or a block "
    "of addresses has two owners. Two branches that each added a tenant give such a file.",
    "Delete the entry that is not provisioned yet and run `kraj plan` again, or change the address "
    "plan back.",
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
TOO_MANY_SERVERS = error_code(
    "KRJ205",
    "Too many servers for a block of addresses",
    "The servers of one service have one block of addresses, which has room for seven.",
    "Use fewer, larger servers.",
)
CENTRE_TOO_SMALL = error_code(
    "KRJ206",
    "Centre prefix too small",
    "The centre's prefix has no room for its networks and their servers.",
    "Shorten centre_prefix_length in region.yaml: /22 or shorter for IPv4, /62 for IPv6.",
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
NAME_TAKEN = error_code(
    "KRJ221",
    "Name taken by the centre",
    "A shared service or a tenant has a name that something of the centre has in the cloud.",
    "Choose another name for it.",
)
UNKNOWN_HOLIDAYS = error_code(
    "KRJ230",
    "Public holidays unknown",
    "The public holidays of the region's country are not known to the `holidays` library.",
    "Set `public_holidays: open` in region.yaml, or correct `country`.",
)
NO_PRICES = error_code(
    "KRJ240",
    "No price book",
    "A quote needs the region's prices.",
    "Add `prices` to region.yaml; docs/region-files.md shows what belongs there.",
)
