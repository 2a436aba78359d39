"""Files sealed to a passphrase that this program does not keep.

Of the passphrase (scrypt) comes a private key; only its public half is stored, so whoever holds the server
and its database writes such files and opens none. The file holds whatever else opening it takes.
"""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

_MARK: Final = b"VHSB1\n"
_SALT, _KEY, _NONCE = 16, 32, 12
_HEAD: Final = len(_MARK) + _SALT + _KEY + _NONCE


def lock(passphrase: str) -> tuple[bytes, bytes]:
    """A fresh salt and the public key of this passphrase with it: what is stored."""
    salt = os.urandom(_SALT)
    return salt, _private(passphrase, salt).public_key().public_bytes_raw()


def seal(salt: bytes, public_key: bytes, content: bytes) -> bytes:
    """The content, to be opened with the passphrase behind this key."""
    once, nonce = X25519PrivateKey.generate(), os.urandom(_NONCE)
    head = _MARK + salt + once.public_key().public_bytes_raw() + nonce
    shared = once.exchange(X25519PublicKey.from_public_bytes(public_key))
    return head + AESGCM(_cipher_key(shared)).encrypt(nonce, content, head)


def unseal(passphrase: str, sealed: bytes) -> bytes | None:
    """The content again; None for another passphrase, and for a file that is none or was changed."""
    if not sealed.startswith(_MARK) or len(sealed) < _HEAD:
        return None
    head, content = sealed[:_HEAD], sealed[_HEAD:]
    salt, rest = head[len(_MARK) :][:_SALT], head[len(_MARK) + _SALT :]
    once = X25519PublicKey.from_public_bytes(rest[:_KEY])
    shared = _private(passphrase, salt).exchange(once)
    try:
        return AESGCM(_cipher_key(shared)).decrypt(rest[_KEY:], content, head)
    except InvalidTag:
        return None


def _private(passphrase: str, salt: bytes) -> X25519PrivateKey:
    # 64 MB and a fifth of a second for each guess.
    stretched = Scrypt(salt=salt, length=_KEY, n=2**16, r=8, p=1).derive(passphrase.encode())
    return X25519PrivateKey.from_private_bytes(stretched)


def _cipher_key(shared: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY, salt=None, info=_MARK).derive(shared)
