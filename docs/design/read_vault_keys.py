"""The keys of Ostler's vaults: suites, HPKE, key files, age, wrappers and epochs. Part of read_vault.py, which see."""

import base64
import hmac
import json
import re
import struct
from contextlib import contextmanager

from argon2.low_level import Type, hash_secret_raw
from blake3 import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

ZERO_NONCE = bytes(12)


class Damage(Exception):
    """What is wrong, beginning with the name of the object."""


@contextmanager
def reading(name):
    """Puts the object's name before whatever is found to be wrong inside."""
    try:
        yield
    except InvalidTag:
        raise Damage(f"{name}: does not authenticate; it is damaged, or not of this vault or key") from None
    except KeyError as error:
        raise Damage(f"{name}: has no {error}") from None
    except OSError as error:
        raise Damage(f"{name}: {error.strerror}") from None
    except Damage:
        raise
    except Exception as error:  # whatever a library says of bytes it does not like
        raise Damage(f"{name}: {error}") from None


def require(condition, otherwise):
    if not condition:
        raise ValueError(otherwise)


def derive(context, data, length=32):
    return blake3(data, derive_key_context="ostler vault v1 " + context).digest(length)


def keyed(key, data):
    return blake3(data, key=key).digest()


class Unencrypted:
    """The suite `none`: plaintext and a keyed tag, in the shape of an AEAD."""

    def __init__(self, key):
        self.key = key

    def decrypt(self, nonce, sealed, associated):
        plain, tag = sealed[:-16], sealed[-16:]
        code = keyed(self.key, nonce + struct.pack(">Q", len(associated)) + associated + plain)
        if not hmac.compare_digest(code[:16], tag):
            raise InvalidTag
        return plain


class Suite:
    """What a vault is sealed with."""

    def __init__(self, name):
        self.code, self.aead, self.hpke_aead, self.hpke_number = {
            "none": (0, Unencrypted, ChaCha20Poly1305, 3),
            "aes-256-gcm": (1, AESGCM, AESGCM, 2),
            "chacha20-poly1305": (2, ChaCha20Poly1305, ChaCha20Poly1305, 3),
        }[name]

    def open(self, key, sealed, associated=b"", nonce=ZERO_NONCE):
        return self.aead(key).decrypt(nonce, sealed, associated)

    def open_hpke(self, secret, sealed, info, psk=b"", psk_id=b""):
        """RFC 9180: the first message of a context, without associated data; mode_psk if there is a `psk`."""
        kem, hpke = b"KEM\x00\x20", struct.pack(">4sHHH", b"HPKE", 0x20, 1, self.hpke_number)
        enc, ciphertext = sealed[:32], sealed[32:]

        def labeled_extract(suite_id, salt, label, secret):
            return extract(salt, b"HPKE-v1" + suite_id + label + secret)

        def labeled_expand(suite_id, secret, label, info, length):
            return expand(secret, struct.pack(">H", length) + b"HPKE-v1" + suite_id + label + info, length)

        prk = labeled_extract(kem, b"", b"eae_prk", exchange(secret, enc))
        shared = labeled_expand(kem, prk, b"shared_secret", enc + public_of(secret), 32)
        context = bytes([1 if psk else 0])
        context += labeled_extract(hpke, b"", b"psk_id_hash", psk_id) + labeled_extract(hpke, b"", b"info_hash", info)
        prk = labeled_extract(hpke, shared, b"secret", psk)
        key = labeled_expand(hpke, prk, b"key", context, 32)
        nonce = labeled_expand(hpke, prk, b"base_nonce", context, 12)
        return self.hpke_aead(key).decrypt(nonce, ciphertext, b"")


def extract(salt, secret):
    return hmac.digest(salt, secret, "sha256")


def expand(secret, info, length=32):
    """HKDF-Expand for lengths that one block of SHA-256 covers."""
    return hmac.digest(secret, info + b"\x01", "sha256")[:length]


def public_of(secret):
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def exchange(secret, public):
    return X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(public))


# What users have


def key_file(text):
    """The 32 bytes of a key file."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    require(len(lines) == 1, "a key file has exactly one line that is not a comment")
    prefix, _, digits = re.sub("[ -]", "", lines[0].upper().strip()).partition(":")
    require(prefix == "OSTLERKEY1", "does not begin with OSTLER-KEY-1:")
    data = base64.b32decode(digits + "=" * (-len(digits) % 8))
    require(len(data) == 36, "has the wrong length")
    require(derive("key file checksum", data[:32])[:4] == data[32:], "is mistyped: its checksum is wrong")
    return data[:32]


def age_identities(text):
    """The secret keys of a file of age identities. Checksums are not looked at: a wrong key opens nothing."""
    found = []
    for line in text.upper().split():
        if line.startswith("AGE-SECRET-KEY-1"):
            number = 0
            for digit in line[16:-6]:
                number = number << 5 | "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L".index(digit)
            found.append((number >> 4).to_bytes(32, "big"))  # 52 digits of 5 bits, the last four not used
    require(found, "holds no X25519 identity of age")
    return found


def open_age(secrets, data):
    """Decrypts a file of age v1 whose payload is one chunk (64 KiB at most), by X25519."""

    def decode(text):
        return base64.b64decode(text + b"=" * (-len(text) % 4))

    header, _, rest = data.partition(b"\n---")
    mac, _, payload = rest.partition(b"\n")
    lines = header.split(b"\n")
    require(lines[0] == b"age-encryption.org/v1", "does not hold an age v1 file")
    for line, body in zip(lines, lines[1:]):
        for secret in secrets if line.startswith(b"-> X25519 ") else ():
            share = decode(line[10:])
            prk = extract(share + public_of(secret), exchange(secret, share))
            try:
                wrapping = ChaCha20Poly1305(expand(prk, b"age-encryption.org/v1/X25519"))
                file_key = wrapping.decrypt(ZERO_NONCE, decode(body), b"")
            except InvalidTag:
                continue  # to another recipient
            code = hmac.digest(expand(extract(b"", file_key), b"header"), header + b"\n---", "sha256")
            require(hmac.compare_digest(code, decode(mac.strip())), "the header of its age file was changed")
            key = expand(extract(payload[:16], file_key), b"payload")
            return ChaCha20Poly1305(key).decrypt(bytes(11) + b"\x01", payload[16:], b"")
    raise InvalidTag


USER_KEYS = {  # kind of wrapper: from the bytes of the user's file to what opens it
    "key_file": lambda data: key_file(data.decode()),
    "passphrase": lambda data: data.split(b"\n")[0].rstrip(b"\r"),
    "age": lambda data: age_identities(data.decode()),
}


# What the vault has


def members(document, names, optional=""):
    """The JSON object, which has these members and no others."""
    require(isinstance(document, dict), "is not a JSON object")
    missing, unknown = set(names.split()) - set(document), set(document) - set((names + " " + optional).split())
    require(not missing and not unknown, f"has wrong members: {', '.join(sorted(missing | unknown))}")
    return document


def without(data, text):
    """The bytes of a file with the one place cut out where this text stands as a JSON string."""
    quoted = b'"' + text.encode() + b'"'
    require(data.count(quoted) == 1, "does not hold its code exactly once")
    return data.replace(quoted, b'""')


class Epoch:
    """Secrets of one key epoch."""

    def __init__(self, document):
        members(document, "version identity writer secret")
        require(document["version"] == 1, "its version is not known")
        secrets = [base64.b64decode(document[name]) for name in ("identity", "writer", "secret")]
        require([len(secret) for secret in secrets] == [32, 32, 32], "a secret has the wrong length")
        self.identity, self.writer, self.secret = secrets
        self.identity_check = derive("identity check", self.identity)


class Wrapper:
    """A key pair whose secret half is wrapped."""

    def __init__(self, suite, vault_id, data):
        self.suite, self.data = suite, data
        self.document = members(json.loads(data), "version id kind parameters created public sealed", "voucher")
        require(self.document["version"] == 1, "its version is not known")
        self.id, self.kind = self.document["id"], self.document["kind"]
        self.vault_and_id = vault_id + self.id.encode()
        self.secret = self.identity_check = None

    def unlock(self, user_key):
        parameters, sealed = self.document["parameters"], base64.b64decode(self.document["sealed"])
        if self.kind == "age":
            plain = open_age(user_key, sealed)
        elif self.kind == "key_file":
            fingerprint = derive("key file fingerprint", user_key)[:8].hex()
            require(fingerprint == parameters["fingerprint"], "is opened by another key file")
            plain = self.suite.open(keyed(derive("key file", user_key), self.vault_and_id), sealed)
        else:
            memory, passes, lanes = (parameters[name] for name in ("memory_kib", "iterations", "lanes"))
            require(memory <= 2 << 20 and passes <= 64 and lanes <= 16, "asks too much of Argon2id")
            salt = base64.b64decode(parameters["salt"])
            key = hash_secret_raw(user_key, salt, passes, memory, lanes, 32, Type.ID, 0x13)
            plain = self.suite.open(keyed(key, self.vault_and_id), sealed)
        require(len(plain) == 96, "holds something of the wrong length")
        binding, self.secret, self.identity_check = plain[:32], plain[32:64], plain[64:]
        bound = derive("wrapper", self.vault_and_id + without(self.data, self.document["sealed"]))
        require(hmac.compare_digest(binding, bound), "was changed: its binding is wrong")
        require(public_of(self.secret) == base64.b64decode(self.document["public"]), "its public key was changed")

    def epoch(self, number, data):
        require(data[:8] == b"OSTLEPO1", "is not an epoch")
        info = b"ostler vault v1 epoch" + self.vault_and_id + struct.pack(">I", number)
        epoch = Epoch(json.loads(self.suite.open_hpke(self.secret, data[8:], info)))
        require(hmac.compare_digest(epoch.identity_check, self.identity_check), "is not authentic")
        return epoch
