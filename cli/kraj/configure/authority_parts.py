"""What certificates of the region's authority are made of, and what is read back from them.

Plain functions over X.509; who signs what and when is in `kraj.configure.authority`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from kraj.configure.authority_errors import BAD_REQUEST, NAME_REFUSED
from kraj.errors import KrajError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_EVERY_NETWORK: Final = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))


def builder(
    subject: x509.Name, issuer: x509.Name, key: bytes, issuer_key: bytes
) -> x509.CertificateBuilder:
    """What all certificates begin with; keys in DER."""
    public_key = public_key_of(key)
    own = x509.SubjectKeyIdentifier.from_public_key(public_key)
    above = x509.SubjectKeyIdentifier.from_public_key(public_key_of(issuer_key))
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .add_extension(own, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(above), critical=False
        )
    )


def usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """An authority's key signs certificates and nothing else, a host's key the handshake."""
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def constraints(zones: Sequence[str], networks: Sequence[Network]) -> x509.NameConstraints:
    """For whom an authority may speak (RFC 5280, 4.2.1.10); without networks for no address."""
    return x509.NameConstraints(
        permitted_subtrees=[
            *(x509.DNSName(zone.strip(".")) for zone in zones),
            *(x509.IPAddress(network) for network in networks),
        ],
        excluded_subtrees=None if networks else [x509.IPAddress(every) for every in _EVERY_NETWORK],
    )


def refuse_foreign(
    authority: x509.Certificate, dns_names: Sequence[str], addresses: Sequence[Address]
) -> None:
    """Raises KRJ882 for a name or an address outside the authority's constraints."""
    bounds = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    permitted = bounds.permitted_subtrees or []
    zones = [tree.value for tree in permitted if isinstance(tree, x509.DNSName)]
    networks = [tree.value for tree in permitted if isinstance(tree, x509.IPAddress)]
    foreign = [name for name in dns_names if not _within(name, zones)]
    foreign += [
        str(address)
        for address in addresses
        if not any(isinstance(network, Network) and address in network for network in networks)
    ]
    if foreign:
        may = ", ".join([*zones, *map(str, networks)])
        message = f"the authority may not speak for {', '.join(foreign)}; it may for {may}"
        raise KrajError(NAME_REFUSED, message)


def _within(name: str, zones: Sequence[str]) -> bool:
    name = name.lower().removeprefix("*.")
    return any(name == zone or name.endswith(f".{zone}") for zone in map(str.lower, zones))


def requested_key(request: bytes) -> bytes:
    """The public key (DER) of a request that is signed with it. Raises KRJ883."""
    try:
        parsed = x509.load_pem_x509_csr(request)
        key = parsed.public_key()
    except ValueError as error:
        raise KrajError(BAD_REQUEST, "this is no certificate request in PEM") from error
    if not parsed.is_signature_valid:
        raise KrajError(BAD_REQUEST, "the request is not signed with its own key")
    strong = (
        isinstance(key, ed25519.Ed25519PublicKey)
        or (isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048)
        or (isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= 256)
    )
    if not strong:
        raise KrajError(BAD_REQUEST, "the request's key is weak: ECDSA P-256 or RSA 2048 at least")
    return der(key)


def der(key: CertificatePublicKeyTypes) -> bytes:
    """A public key as bytes that can be compared."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def public_key_of(key: bytes) -> CertificatePublicKeyTypes:
    return load_der_public_key(key)  # type: ignore[return-value] # as `der` made it


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def alternative_names(certificate: x509.Certificate) -> set[str]:
    """The names and addresses that a certificate is for."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    addresses = names.get_values_for_type(x509.IPAddress)
    return {*names.get_values_for_type(x509.DNSName), *map(str, addresses)}
