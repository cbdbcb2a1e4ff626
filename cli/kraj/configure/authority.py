"""The region's private certificate authority: made on first use, signs what hosts ask for.

The key is ECDSA P-256, which every browser takes, and lies encrypted with the region's passphrase,
as secrets in states do. Name constraints bind the authority to the region's zones and networks, so
that who trusts it trusts it for nothing else. Names come from who configures the host, never from
the host's request. Not here: the command that roles run (`kraj.configure.authority_command`).
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kraj.configure.authority_errors import AUTHORITY_DAMAGED, AUTHORITY_ENDS
from kraj.configure.authority_parts import (
    Address,
    Network,
    alternative_names,
    builder,
    constraints,
    der,
    pem,
    refuse_foreign,
    requested_key,
    usage,
)
from kraj.engine.local.crypto import Crypter, KeyRing
from kraj.errors import KrajError
from kraj.files import write_atomically

FOLDER: Final = "authority"  #: in a region's state folder
CERTIFICATE_FILE: Final = "authority.crt"
KEY_FILE: Final = "authority.key.json"
ISSUED_FILE: Final = "issued.jsonl"  #: one line for each certificate, for auditors

_CLOCKS: Final = datetime.timedelta(minutes=5)  #: by which clocks of hosts may differ
_COMMON_NAME_LENGTH: Final = 64  #: RFC 5280, upper bound
_SCOPE: Final = "authority"

Clock = Callable[[], datetime.datetime]


@dataclass(frozen=True, slots=True)
class Charter:
    """What a new authority is: its name, for whom it may speak, how long."""

    name: str
    zones: tuple[str, ...]
    networks: tuple[Network, ...]
    days: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """The certificate that a host is to have."""

    dns_names: tuple[str, ...]  #: the first one is the subject
    addresses: tuple[Address, ...]
    days: int
    renew_days: int  #: an existing one with less is replaced

    @property
    def names(self) -> tuple[str, ...]:
        return *self.dns_names, *map(str, self.addresses)


@dataclass(frozen=True, slots=True)
class Issued:
    """What a host gets."""

    certificate: str  #: PEM
    chain: str  #: PEM of the authority
    reason: str  #: why it was signed anew; empty where the host's own is still good


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class Authority:
    """An authority in a folder. Every method is safe beside others in other processes."""

    def __init__(self, folder: Path, passphrase: Callable[[], str], clock: Clock = now) -> None:
        self._folder = folder
        self._keys = KeyRing(passphrase)
        self._clock = clock

    def issue(self, charter: Charter, request: bytes, present: bytes, wanted: Wanted) -> Issued:
        """The host's own certificate where it is still good, else a new one.

        Makes the authority where there is none yet. Raises KRJ310, KRJ317, KRJ880 to KRJ883.
        """
        public_key = requested_key(request)
        with self._locked():
            authority = self._certificate() or self._make(charter)
            reason = self._fault(authority, public_key, present, wanted)
            if not reason:
                kept = x509.load_pem_x509_certificate(present)
                return Issued(pem(kept), pem(authority), "")
            signed = self._sign(authority, public_key, wanted)
            self._write_down(signed, wanted)
        return Issued(pem(signed), pem(authority), reason)

    def foresee(self, request: bytes, present: bytes, wanted: Wanted) -> str:
        """Why `issue` would sign anew; empty where it would not. Changes nothing."""
        authority = self._certificate()
        if authority is None:
            return "there is no authority yet"
        return self._fault(authority, requested_key(request), present, wanted)

    def reencrypt(self, passphrase: str) -> bool:
        """Encrypt the key with another passphrase; whether that changed anything.

        Raises KRJ310 where the key has neither the old passphrase nor the new one.
        """
        if self._certificate() is None:
            return False
        with self._locked():
            new = KeyRing(lambda: passphrase)
            if Crypter(new, self._stored_key()["salt"]).fits():
                return False
            self._store_key(self._load_key(), Crypter(new))
        return True

    # --- making and reading ------------------------------------------------------------------

    def _make(self, charter: Charter) -> x509.Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        begin = self._clock()
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, charter.name),
                x509.NameAttribute(NameOID.COMMON_NAME, f"{charter.name} {begin:%Y-%m}"[:64]),
            ]
        )
        public_key = der(key.public_key())
        certificate = (
            builder(name, name, public_key, public_key)
            .not_valid_before(begin - _CLOCKS)
            .not_valid_after(begin + datetime.timedelta(days=charter.days))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage(signs_certificates=True), critical=True)
            .add_extension(constraints(charter.zones, charter.networks), critical=True)
            .sign(key, SHA256())
        )
        self._store_key(key, Crypter(self._keys))
        # The certificate is what makes the authority: a key that was left alone has signed nothing.
        self._write(CERTIFICATE_FILE, pem(certificate), 0o644)
        return certificate

    def _certificate(self) -> x509.Certificate | None:
        path = self._folder / CERTIFICATE_FILE
        try:
            return x509.load_pem_x509_certificate(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise KrajError(AUTHORITY_DAMAGED, f"cannot read {path}: {error}") from error

    def _stored_key(self) -> dict[str, str]:
        path = self._folder / KEY_FILE
        try:
            stored = json.loads(path.read_bytes())
            return {"salt": stored["salt"], "ciphertext": stored["ciphertext"]}
        except (OSError, ValueError, KeyError) as error:
            raise KrajError(AUTHORITY_DAMAGED, f"cannot read {path}: {error}") from error

    def _load_key(self) -> ec.EllipticCurvePrivateKey:
        stored = self._stored_key()
        text = Crypter(self._keys, stored["salt"]).decrypt(stored["ciphertext"], _SCOPE)
        key = load_pem_private_key(text.encode(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - no other is stored
        return key

    def _store_key(self, key: ec.EllipticCurvePrivateKey, crypter: Crypter) -> None:
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        ciphertext = crypter.encrypt(text, _SCOPE)
        stored = {"salt": crypter.salt_state, "ciphertext": ciphertext}
        self._write(KEY_FILE, json.dumps(stored, indent=2) + "\n", 0o600)

    def _write(self, name: str, content: str, mode: int) -> None:
        try:
            write_atomically(self._folder / name, content, mode=mode)
        except OSError as error:
            message = f"cannot write {self._folder / name}: {error.strerror}"
            raise KrajError(AUTHORITY_DAMAGED, message) from error

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hosts are configured at the same time: one makes the authority, and lines stay whole."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            message = f"cannot use {self._folder}: {error.strerror}"
            raise KrajError(AUTHORITY_DAMAGED, message) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    # --- signing -----------------------------------------------------------------------------

    def _fault(
        self, authority: x509.Certificate, key: bytes, present: bytes, wanted: Wanted
    ) -> str:
        """Why a host needs a new certificate; empty where it has a good one. Raises KRJ882."""
        refuse_foreign(authority, wanted.dns_names, wanted.addresses)
        if not present.strip():
            return "the host has no certificate"
        try:
            certificate = x509.load_pem_x509_certificate(present)
            certificate.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature):
            return "the host's certificate is not of this authority"
        if der(certificate.public_key()) != key:
            return "the host has another key"
        if alternative_names(certificate) != set(wanted.names):
            return "the names have changed"
        return self._out_of_time(certificate, wanted)

    def _out_of_time(self, certificate: x509.Certificate, wanted: Wanted) -> str:
        begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if begin > self._clock():
            return f"the certificate is not valid before {begin:%Y-%m-%d %H:%M} UTC"
        if end - self._clock() < datetime.timedelta(days=wanted.renew_days):
            return f"the certificate ends on {end:%Y-%m-%d %H:%M} UTC"
        return ""

    def _sign(self, authority: x509.Certificate, key: bytes, wanted: Wanted) -> x509.Certificate:
        begin = self._clock()
        end = begin + datetime.timedelta(days=wanted.days)
        if end > authority.not_valid_after_utc:
            last = f"{authority.not_valid_after_utc:%Y-%m-%d}"
            raise KrajError(AUTHORITY_ENDS, f"the authority in {self._folder} ends on {last}")
        signer = self._load_key()
        if der(signer.public_key()) != der(authority.public_key()):
            message = f"{KEY_FILE} and {CERTIFICATE_FILE} in {self._folder} do not belong together"
            raise KrajError(AUTHORITY_DAMAGED, message)
        common_name = wanted.dns_names[0]
        fits = len(common_name) <= _COMMON_NAME_LENGTH
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if fits else []
        names = [x509.DNSName(name) for name in wanted.dns_names]
        addresses = [x509.IPAddress(address) for address in wanted.addresses]
        # Clients ignore the alternative names of an empty subject unless they are critical.
        return (
            builder(x509.Name(attributes), authority.subject, key, der(authority.public_key()))
            .not_valid_before(begin - _CLOCKS)
            .not_valid_after(end)
            .add_extension(x509.SubjectAlternativeName([*names, *addresses]), critical=not fits)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(signer, SHA256())
        )

    def _write_down(self, certificate: x509.Certificate, wanted: Wanted) -> None:
        line = {
            "serial": f"{certificate.serial_number:x}",
            "names": wanted.names,
            "signed": f"{self._clock():%Y-%m-%dT%H:%M:%SZ}",
            "until": f"{certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}",
        }
        with (self._folder / ISSUED_FILE).open("a", encoding="utf-8") as issued:
            issued.write(json.dumps(line) + "\n")
