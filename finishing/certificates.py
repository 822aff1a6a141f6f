"""Certificates for content credentials: a chain of our own for a fresh machine, and a look at whichever chain is in use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

OWN_NAME = "AdsGem, made on this machine"
YEARS = 10
CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


class CertificateError(ValueError):
    """A chain or key that cannot sign. The message is a sentence for whoever runs the machine."""


@dataclass(frozen=True)
class Identity:
    """Who signs: a PEM chain (own certificate first), its PEM key, the address of a time stamp service or "", and whether we made it."""

    chain: bytes
    key: bytes
    time_stamps: str = ""
    own: bool = False


@dataclass(frozen=True)
class Looked:
    """What a chain says of itself: C2PA's name of its algorithm, whose it is, until when, and its last certificate as PEM, its serial number."""

    algorithm: str
    subject: str
    until: datetime
    root: bytes
    serial: str


def make_chain() -> tuple[bytes, bytes]:
    """A new chain (authority and signer, P-256) and the signer's key, both PEM. The authority's key is thrown away: it signs once."""
    now = datetime.now(UTC)
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority, signer = _name("Authority"), _name("Signer")
    root = (
        _certificate(authority, authority, authority_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    # What C2PA asks of a signer (specification 2.x, "X.509 certificates"): no authority, digital signature, a purpose that it lists.
    leaf = (
        _certificate(signer, authority, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    chain = leaf.public_bytes(Encoding.PEM) + root.public_bytes(Encoding.PEM)
    return chain, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def look_at(identity: Identity, now: datetime | None = None) -> Looked:
    """Read a chain and its key. Raises CertificateError for what cannot be read, does not belong together or has run out."""
    try:
        chain = x509.load_pem_x509_certificates(identity.chain)
    except ValueError as error:
        raise CertificateError(
            "The certificate cannot be read. It must be PEM text: your own certificate first, its issuers after."
        ) from error
    try:
        key = serialization.load_pem_private_key(identity.key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CertificateError("The key cannot be read. It must be PEM text (PKCS #8) without a password.") from error
    own = chain[0]
    if own.public_key() != key.public_key():
        raise CertificateError("The key does not belong to the first certificate of the chain. Put your own certificate first.")
    now = now or datetime.now(UTC)
    if not own.not_valid_before_utc <= now <= own.not_valid_after_utc:
        raise CertificateError(
            f"The certificate holds from {own.not_valid_before_utc:%d %B %Y} to {own.not_valid_after_utc:%d %B %Y} only."
        )
    subject = own.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME) or own.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    whose = str(subject[0].value) if subject else ""
    return Looked(_algorithm(key), whose, own.not_valid_after_utc, chain[-1].public_bytes(Encoding.PEM), str(own.serial_number))


def _algorithm(key: object) -> str:
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in CURVES:
        return CURVES[key.curve.name]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 2048:
        return "ps256"
    raise CertificateError("This kind of key cannot sign content credentials. Use P-256, P-384, P-521, Ed25519, or RSA from 2048 bits.")


def _name(role: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, OWN_NAME), x509.NameAttribute(NameOID.COMMON_NAME, role)])


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # An hour back: clocks of machines that look at a file at once may be behind.
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=365 * YEARS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
