"""Codes of the region's certificate authority: KRJ880 to KRJ889."""

from kraj.errors import error_code

AUTHORITY_DAMAGED = error_code(
    "KRJ880",
    "The certificate authority cannot be used",
    "The files of the region's certificate authority cannot be read or written, or do not belong "
    "together.",
    "Bring the folder back from a backup. Moved away, a new authority is made and every host gets "
    "a new certificate with the next `kraj configure`; programs must then trust the new one.",
)
AUTHORITY_ENDS = error_code(
    "KRJ881",
    "The certificate authority ends too soon",
    "A certificate that is signed now would outlive the authority that signs it.",
    "Move the authority's folder away: a new one is made with the next `kraj configure`; programs "
    "must then trust the new one.",
)
NAME_REFUSED = error_code(
    "KRJ882",
    "Not a name of this region",
    "A certificate is wanted for a name or an address that the region's authority may not speak "
    "for.",
    "Correct the name. Zones and networks of an authority are fixed when it is made "
    "(certificates__authority_zones, certificates__authority_networks).",
)
BAD_REQUEST = error_code(
    "KRJ883",
    "Certificate request refused",
    "What the host sent is no certificate request, is not signed with its own key, or has a weak "
    "key.",
    "Delete the host's key (/etc/ssl/kraj/<name>.key) and run again: it makes a new one.",
)
BAD_CERTIFICATE = error_code(
    "KRJ884",
    "Provided certificate refused",
    "A certificate, its key and the chain by which it is checked cannot be read or do not fit "
    "together, or it is not valid now.",
    "Correct the files that certificates__provided_certificate, certificates__provided_key and "
    "certificates__provided_chain name.",
)
