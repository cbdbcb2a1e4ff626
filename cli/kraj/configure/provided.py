"""Checks a certificate that another authority has signed, before a role copies it to a host.

`python -m kraj.configure.provided CERTIFICATE KEY CHAIN` is what the role `certificates` runs;
it prints nothing where they fit. Not here: the region's own authority (`kraj.configure.authority`).
"""

from __future__ import annotations

import datetime
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kraj.configure.authority_errors import BAD_CERTIFICATE
from kraj.configure.authority_parts import der
from kraj.errors import KrajError


def check_provided(certificate: Path, key: Path, chain: Path, at: datetime.datetime) -> None:
    """Key and certificate are a pair, it is valid now, and each is signed by the next, to the root.

    Raises KRJ884.
    """
    presented, roots = _certificates(certificate), _certificates(chain)
    own = presented[0]
    try:
        private = load_pem_private_key(key.read_bytes(), None)
        fits = der(private.public_key()) == der(own.public_key())  # type: ignore[arg-type]
    except (OSError, ValueError, TypeError) as error:
        raise KrajError(BAD_CERTIFICATE, f"cannot read the key {key}: {error}") from error
    if not fits:
        raise KrajError(BAD_CERTIFICATE, f"{key} is not the key of {certificate}")
    if not own.not_valid_before_utc <= at < own.not_valid_after_utc:
        span = f"{own.not_valid_before_utc:%Y-%m-%d} to {own.not_valid_after_utc:%Y-%m-%d}"
        raise KrajError(BAD_CERTIFICATE, f"{certificate} is valid from {span}, not now")
    for signed, signer in itertools.pairwise(presented):
        if not _issued(signed, signer):
            raise KrajError(
                BAD_CERTIFICATE,
                f"{certificate} is in the wrong order: {signed.subject.rfc4514_string()} is not "
                f"signed by {signer.subject.rfc4514_string()}, which follows",
            )
    if not any(_issued(presented[-1], root) for root in roots):
        raise KrajError(BAD_CERTIFICATE, f"{certificate} does not lead to a certificate in {chain}")


def _certificates(path: Path) -> Sequence[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise KrajError(BAD_CERTIFICATE, f"cannot read {path}: {error}") from error


def _issued(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def main(arguments: Sequence[str]) -> int:
    certificate, key, chain = map(Path, arguments)
    try:
        check_provided(certificate, key, chain, datetime.datetime.now(datetime.UTC))
    except KrajError as error:
        print(f"{error}\nhint: {error.hint}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
