"""Certificates that nobody else vouches for."""

import contextlib
import datetime
import ipaddress
from pathlib import Path


def self_signed(folder: Path, *names: str) -> tuple[Path, Path]:
    """Sign a certificate for these names or addresses, the first of them its owner's.

    Returns the files of the certificate and of its key.
    """
    # It is in the virtual environment, and most commands do not need it.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    alternatives = [x509.DNSName(name) for name in names]
    for place, name in enumerate(names):
        with contextlib.suppress(ValueError):
            alternatives[place] = x509.IPAddress(ipaddress.ip_address(name))
    key = ec.generate_private_key(ec.SECP256R1())
    owner = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(owner)
        .issuer_name(owner)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "fullchain.pem", folder / "privkey.pem"
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, private
