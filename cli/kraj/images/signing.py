"""Signatures of images, in the form that Glance and Nova check by themselves.

Glance's four properties `img_signature…` say how a file was signed and which certificate in
Barbican has the public key (docs.openstack.org/glance/latest/user/signature.html). Where all four
are there, Glance checks the data as it arrives and refuses what does not fit, and Nova checks it
again before a server boots, where its operator has set `verify_glance_signatures`.

The key signs images and nothing else; it is made at the first signature and stays on this machine.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kraj.errors import KrajError
from kraj.files import write_atomically
from kraj.images.errors import SIGNING_KEY

#: Glance's words for a method; those of RSA-PSS are the ones that its documentation shows.
SIGNATURE: Final = "img_signature"
CERTIFICATE: Final = "img_signature_certificate_uuid"
_METHOD: Final = {"img_signature_hash_method": "SHA-256", "img_signature_key_type": "RSA-PSS"}
#: At least 3,000 bits from 2023 on: BSI TR-02102-1, section 2.3.
_KEY_BITS: Final = 3072
_PUBLIC_EXPONENT: Final = 65537
#: A key is changed by moving its file away: published images keep the certificate they were
#: signed with. The end of a certificate of its own is looked at by nobody but people.
_YEARS: Final = 10


@dataclass(frozen=True, slots=True)
class Signer:
    """A key, and the certificate that others check its signatures by."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, in hexadecimal digits."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def sign(self, path: Path) -> str:
        """The signature of a file's content, in Base64."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
        return base64.b64encode(
            self.key.sign(digest, _padding(), Prehashed(hashes.SHA256()))
        ).decode()


def open_signer(path: Path, passphrase: str = "", *, make: bool = False) -> Signer:
    """The key and certificate in a file (PEM), which is made where it is not there and may be.

    `passphrase` encrypts the key in the file, which others than its owner cannot read. Raises
    KRJ813.
    """
    try:
        if make and not path.exists():
            made = _new_signer()
            write_atomically(path, _pem(made, passphrase), mode=0o600)
            return made
        content = path.read_bytes()
        key = load_pem_private_key(content, passphrase.encode() or None)
        certificate = x509.load_pem_x509_certificate(content)
    except OSError as error:
        raise KrajError(SIGNING_KEY, f"{path}: {error.strerror or error}") from error
    except (ValueError, TypeError) as error:
        raise KrajError(SIGNING_KEY, f"{path}: {error}") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise KrajError(SIGNING_KEY, f"{path}: the key is not one of RSA")
    if key.public_key() != certificate.public_key():
        raise KrajError(SIGNING_KEY, f"{path}: key and certificate do not belong together")
    return Signer(key, certificate)


def signature_properties(signature: str, certificate_id: str) -> dict[str, str]:
    """What Glance is told of a signature; `certificate_id` is Barbican's."""
    return {SIGNATURE: signature, CERTIFICATE: certificate_id, **_METHOD}


def fits(
    properties: Mapping[str, str], certificate: x509.Certificate, data: Iterable[bytes]
) -> bool:
    """Whether the data of an image is what the holder of the certificate's key has signed."""
    public_key = certificate.public_key()
    told = {name: properties.get(name) for name in _METHOD}
    if not isinstance(public_key, rsa.RSAPublicKey) or told != _METHOD:
        return False
    digest = hashlib.sha256()
    for part in data:
        digest.update(part)
    try:
        signature = base64.b64decode(properties.get(SIGNATURE, ""), validate=True)
        public_key.verify(signature, digest.digest(), _padding(), Prehashed(hashes.SHA256()))
    except (InvalidSignature, binascii.Error):
        return False
    return True


def _padding() -> padding.PSS:
    return padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)


def _new_signer() -> Signer:
    key = rsa.generate_private_key(_PUBLIC_EXPONENT, _KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kraj images")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Signer(key, certificate)


def _pem(signer: Signer, passphrase: str) -> bytes:
    encryption: KeySerializationEncryption = NoEncryption()
    if passphrase:
        encryption = BestAvailableEncryption(passphrase.encode())
    key = signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    return key + signer.certificate_pem
