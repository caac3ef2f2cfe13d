#!/usr/bin/env python3
"""Reads Ostler's vaults (format 1) without Ostler.

Written from vault-format.md alone, as a test of that page and for the day when nothing else is left.
Needs Python 3.9, the three files beside this one, and the packages blake3, zstandard, cryptography, argon2-cffi.

    read_vault.py list    VAULT [KEY]                    one line of JSON per committed backup, oldest first
    read_vault.py restore VAULT BACKUP_ID TARGET [KEY]   every entry, to TARGET/<its absolute path>;
                                                         of a cluster to TARGET/NODE/ROOT/<its absolute path>
    read_vault.py check   VAULT [KEY]                    reads and verifies everything there is; prints counts

VAULT is a directory. KEY is one of
    --key FILE               a key file (OSTLER-KEY-1:…)
    --passphrase-file FILE   a file whose first line is the passphrase
    --age-identity FILE      a file with X25519 identities of age (AGE-SECRET-KEY-1…); no plugins, no SSH keys
and is not needed where the vault is not encrypted.

`restore` wants a TARGET that is missing or empty. What is damaged is named on the standard error and left out; the rest
is restored. Owners and the extended attributes security.* and trusted.* are restored by root only.

Exit status: 0 all is well; 1 something is damaged or missing, or the key does not fit; 2 wrong usage; 3 everything was
read and verified, but something could not be made or set here (it is named on the standard error).
"""

import argparse
import base64
import json
import os
import re
import stat
import struct
import sys

from blake3 import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

sys.dont_write_bytecode = True  # nothing appears beside these files
from read_vault_keys import USER_KEYS, Damage, Epoch, Suite, Wrapper, derive, keyed, members, reading, require, without
from read_vault_lists import BLOCK, CHARACTER, DIRECTORY, FIFO, FILE, HOLES, SOCKET, SYMLINK, entries, shown
from read_vault_packs import WRITER, Packs

RECORD, TOMBSTONE, PROOF, MARK, EPOCH, PUBLIC = 3, 4, 5, 6, 9, 2  # kinds of sealed objects; their mode
FACTS_NOTE, PROOF_NOTE, MARK_NOTE, DELETE = 1, 2, 3, 6  # kinds of notes; the mark of a deletion
SPECIAL = {FIFO: stat.S_IFIFO, SOCKET: stat.S_IFSOCK, CHARACTER: stat.S_IFCHR, BLOCK: stat.S_IFBLK}
PAGE = 4096


class Vault(Packs):
    """An open vault."""

    def __init__(self, root, user_keys):
        super().__init__()
        self.root = root
        data = self.read("vault.json")
        with reading("vault.json"):
            document = members(json.loads(data), "format version id created encryption mac", "secrets single_writer")
            known = (document["format"], document["version"]) == ("ostler-vault", 1)
            require(known, f"is of {document['format']} {document['version']}; this program knows ostler-vault 1")
            require(re.fullmatch("[0-9a-f]{32}", document["id"]), "its id is not 32 hexadecimal digits")
            self.id, self.suite = bytes.fromhex(document["id"]), Suite(document["encryption"])
            require((self.suite.code == 0) == ("secrets" in document), "has both secrets and encryption, or neither")
            self.unreadable = {}  # numbers of epochs with what is wrong with them
            self.epochs = {1: Epoch(document["secrets"])} if self.suite.code == 0 else self.unlock(user_keys)
            self.follow()
            self.identity = self.epochs[max(self.epochs)].identity
            code = keyed(derive("vault.json", self.identity), without(data, document["mac"])).hex()
            require(code == document["mac"], "was changed: its code is wrong")
        self.chunk_key = derive("chunk id", self.identity)

    def read(self, key, offset=0, length=-1):
        with reading(key), open(os.path.join(self.root, key), "rb") as file:
            file.seek(offset)
            return file.read(length)

    def list(self, prefix):
        """Keys of the objects below a prefix."""
        for directory, _, names in os.walk(os.path.join(self.root, prefix)):
            yield from (os.path.relpath(os.path.join(directory, name), self.root) for name in sorted(names))

    def unlock(self, user_keys):
        """Opens the first wrapper that opens with what the user has; gives the secrets of its epochs by number."""
        require(user_keys, "the vault is encrypted: say --key, --passphrase-file or --age-identity")
        problem = Damage("keys/: no wrapper in this vault is for this kind of key")
        for key in sorted(self.list("keys")):
            directory, name = os.path.split(key)
            if name != "wrapper.json":
                continue
            try:
                with reading(key):
                    wrapper = Wrapper(self.suite, self.id, self.read(key))
                    require(directory == f"keys/{wrapper.id}", "its id is not the one in its name")
                    if wrapper.kind not in user_keys:
                        continue
                    wrapper.unlock(user_keys[wrapper.kind])
                epochs = {}
                for key in self.list(directory):
                    match = re.fullmatch("epoch-([0-9]{8})", os.path.basename(key))
                    if not match:
                        continue
                    try:
                        with reading(key):
                            epochs[int(match[1])] = wrapper.epoch(int(match[1]), self.read(key))
                    except Damage as error:
                        self.unreadable[int(match[1])] = error
                if epochs:
                    return epochs
                problem = Damage(f"{directory}: has no epoch that can be read")
            except Damage as error:
                problem = error
        raise problem

    def follow(self):
        """Leaves the epochs that count: the first, and those of which one before proves that they followed it."""
        first = 1
        for number in sorted(self.epochs, reverse=True):
            key = f"rounds/epoch-{number:08}.first"
            if os.path.exists(os.path.join(self.root, key)):
                try:
                    self.open_object(key, EPOCH, WRITER)
                except Damage:
                    continue  # anybody can write one that does not open
                self.epochs = {n: epoch for n, epoch in self.epochs.items() if n >= number}
                first = number
                break
        oldest = min(self.epochs)
        for number, problem in self.unreadable.items():
            if first <= number < oldest:
                raise problem
        for number in sorted(set(self.epochs) - {oldest}):
            key = f"rounds/epoch-{number:08}"
            if not os.path.exists(os.path.join(self.root, key)):
                del self.epochs[number]  # a rotation was killed before it counted
                continue
            with reading(key):
                said = members(json.loads(self.open_object(key, EPOCH, WRITER)), "version at operation after gives_up proof")
                require(said["version"] == 1 and said["after"] < number, "does not say what it should")
                if said["after"] < oldest:
                    del self.epochs[number]
                    continue
                before, after = self.epoch(said["after"]), self.epochs[number]
                order = struct.pack(">II", said["after"], number)
                proof = keyed(derive("epoch proof", before.secret), self.id + order + after.writer + after.secret)
                require(proof.hex() == said["proof"], "was made by somebody without the secrets of the epoch before")

    def epoch(self, number):
        require(number in self.epochs, f"is of epoch {number}, which this key does not open")
        return self.epochs[number]

    def sealed_key(self, epoch, sealed, use):
        epoch = self.epoch(epoch)
        return self.suite.open_hpke(epoch.secret, sealed, b"ostler vault v1 " + use + self.id, epoch.writer, self.id)

    def open_object(self, key, kind, mode, bound=None):
        """Plaintext of a sealed object."""
        data = self.read(key)
        with reading(key):
            start = 48 if mode == WRITER else 96
            require(len(data) >= start + 18, "is cut off")
            magic, suite, *found, epoch = struct.unpack(">8s4BI", data[:16])
            require((magic, suite) == (b"OSTLOBJ1", self.suite.code), "is not a sealed object of this vault")
            require(found == [kind, mode, 0], "is not the kind of object that belongs here")
            if mode == WRITER:
                secret = keyed(derive("object", self.epoch(epoch).writer), data[16:48])
            else:
                secret = self.sealed_key(epoch, data[16:96], b"object key")
            end = len(data) - 2 - int.from_bytes(data[-2:], "big")
            return self.suite.open(secret, data[start:end], data[:start] + self.id + (bound or key).encode())

    def record(self, key):
        with reading(key):
            record = json.loads(self.open_object(key, RECORD, PUBLIC))
            require(record["version"] == 1, f"is of version {record['version']}; this program knows 1")
            require(key.split(".")[0] == f"backups/{record['backup']}", "is the record of another backup")
            return record

    def record_keys(self):
        """Where the record or tombstone of each backup is: where it was sealed anew last, else at its own key."""
        newest = {}
        for key in sorted(self.list("backups")):
            newest[os.path.basename(key).split(".")[0]] = key
        return newest

    def is_tombstone(self, key):
        """Whether it says, authentically, that there is no such backup."""
        data = self.read(key)
        if data[9:10] != bytes([TOMBSTONE]):
            return False
        if struct.unpack(">I", data[12:16])[0] < min(self.epochs):
            return True  # it came late
        self.open_object(key, TOMBSTONE, WRITER)
        return True

    def note(self, key):
        """Backup, kind and facts of a note, whose name and body are verified."""
        with reading(key):
            backup, epoch, name = os.path.basename(key).split(".")
            sealed = base64.urlsafe_b64decode(name + "=" * (-len(name) % 4))
            siv = AESSIV(derive("name", self.epoch(int(epoch)).writer, 64))
            for kind in (FACTS_NOTE, PROOF_NOTE, MARK_NOTE):
                try:
                    facts = siv.decrypt(sealed, [self.id, bytes.fromhex(backup), bytes([kind])])
                except InvalidTag:
                    continue
                require(facts[0] == 1, "its version is not known")
                if kind == PROOF_NOTE or kind == MARK_NOTE and facts[1] == 0:
                    at, body_kind = (10, PROOF) if kind == PROOF_NOTE else (2, MARK)
                    digest = blake3(self.open_object(key, body_kind, PUBLIC)).digest(8)
                    require(digest == facts[at:at + 8], "is not what its name says")
                return backup, kind, facts
            raise InvalidTag


class Restore:
    """Makes entries below a directory that was empty."""

    def __init__(self, vault, target, report):
        self.vault, self.target, self.report = vault, os.fsencode(target), report
        self.made, self.linked, self.directories = {b""}, {}, []

    def all(self, found):
        for entry in found:
            self.attempt(self.make, entry)
        for entry, place in reversed(self.directories):
            self.attempt(self.describe, entry, place)

    def attempt(self, action, entry, *more):
        try:
            action(entry, *more)
        except Damage as error:
            self.report.damaged(f"{shown(entry.path)}: {error}")
        except (OSError, OverflowError, ValueError) as error:
            self.report.failed(f"{shown(entry.path)}: {error}")

    def directory(self, path):
        """Where this directory is. All above it are directories that were made here, so no link is followed."""
        place = os.path.join(self.target, path)
        if path not in self.made:
            self.directory(os.path.dirname(path))
            os.mkdir(place, 0o700)
            self.made.add(path)
        return place

    def make(self, entry):
        if entry.kind == DIRECTORY:
            self.directories.append((entry, self.directory(entry.path)))
            return
        above, name = os.path.split(entry.path)
        place, shared = os.path.join(self.directory(above), name), (entry.device, entry.inode)
        if entry.links > 1 and shared in self.linked:
            os.link(self.linked[shared], place, follow_symlinks=False)
            return
        if entry.kind == FILE:
            self.file(entry, place)
        elif entry.kind == SYMLINK:
            os.symlink(entry.content, place)
        else:
            os.mknod(place, SPECIAL[entry.kind] | 0o600, os.makedev(*entry.content) if entry.content else 0)
        self.linked[shared] = place
        self.describe(entry, place)

    def file(self, entry, place):
        with open(place, "xb") as file:
            try:
                for chunk_id, length in entry.content:
                    if chunk_id is None:
                        file.seek(length, os.SEEK_CUR)
                        continue
                    data = self.vault.chunk(chunk_id)
                    if len(data) != length:
                        raise Damage(f"chunk {chunk_id.hex()}: is not as long as the file list says")
                    step = PAGE if entry.flags & HOLES else max(length, 1)
                    for page in (data[at:at + step] for at in range(0, length, step)):
                        if entry.flags & HOLES and not any(page):
                            file.seek(len(page), os.SEEK_CUR)
                        else:
                            file.write(page)
                file.truncate(entry.size)
            except Damage:
                os.unlink(place)
                raise

    def describe(self, entry, place):
        """Sets owner, attributes, mode and time, in the order in which one does not undo the other."""
        root = os.geteuid() == 0
        if root:
            os.chown(place, entry.user, entry.group, follow_symlinks=False)
        for name, value in entry.xattrs:
            if root or not name.startswith((b"security.", b"trusted.")):
                self.attempt(lambda entry: os.setxattr(place, name, value, follow_symlinks=False), entry)
        if entry.kind != SYMLINK:
            os.chmod(place, entry.mode)
        os.utime(place, ns=(entry.modified, entry.modified), follow_symlinks=False)


class Report:
    """Says what is wrong when it is found, and remembers it for the exit status."""

    status = 0

    def damaged(self, message):
        print(f"read_vault.py: damaged: {message}", file=sys.stderr)
        self.status = 1

    def failed(self, message):
        print(f"read_vault.py: cannot restore: {message}", file=sys.stderr)
        self.status = self.status or 3


def records(vault, report):
    for key in vault.record_keys().values():
        try:
            if not vault.is_tombstone(key):
                yield vault.record(key)
        except Damage as error:
            report.damaged(error)


def list_backups(vault, report):
    for record in sorted(records(vault, report), key=lambda record: record["started"].rstrip("Z")):
        print(json.dumps({name: record[name] for name in ("backup", "name", "started", "partial", "counts")}))


def restore(vault, report, backup, target):
    require(re.fullmatch("[0-9a-f]{32}", backup), f"{backup} is not the id of a backup")
    record = vault.record(vault.record_keys().get(backup, f"backups/{backup}"))
    os.umask(0o077)  # nobody else reads what does not have its own mode yet
    os.makedirs(target, exist_ok=True)
    require(not os.listdir(target), f"{target} is not empty")
    vault.load_index(report.damaged)
    Restore(vault, target, report).all(entries(vault, record, report.damaged))


def check(vault, report):
    vault.load_index(report.damaged)
    counts, lengths, whole = dict.fromkeys(("packs", "chunks", "backups", "entries"), 0), {}, set()
    for key in vault.list("packs"):
        try:
            blocks = vault.check_pack(key)
            whole.add(os.path.basename(key))
            counts["packs"] += 1
            for block in blocks:
                counts["chunks"] += len(block.chunks)
                lengths.update((chunk_id, length) for chunk_id, _, length in block.chunks)
        except Damage as error:
            report.damaged(error)
    for name in sorted(set(vault.packs) - whole):
        report.damaged(f"packs/{name[:2]}/{name}: the index names it, but it is missing or damaged")
    for record in records(vault, report):
        counts["backups"] += 1
        lost = []
        for entry in entries(vault, record, report.damaged):
            counts["entries"] += 1
            parts = entry.content if entry.kind == FILE else ()
            if any(part and (lengths.get(part) != length or part not in vault.index) for part, length in parts):
                lost.append(shown(entry.path))
        if lost:
            lost = f"{len(lost)} files need chunks of no whole pack or not in the index; the first is {lost[0]}"
            report.damaged(f"backups/{record['backup']}: {lost}")
    counts["notes"], told, deleted = 0, set(), set()
    for key in vault.list("notes"):
        try:
            backup, kind, facts = vault.note(key)
            counts["notes"] += 1
            (told if kind != MARK_NOTE else deleted if facts[1] == DELETE else set()).add(backup)
        except Damage as error:
            report.damaged(error)
    for backup in sorted(told - deleted - set(vault.record_keys())):
        report.damaged(f"backups/{backup}: is missing: notes tell of this backup")
    print(json.dumps(counts))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, *positional in (("list",), ("restore", "backup", "target"), ("check",)):
        command = commands.add_parser(name)
        for argument in ("vault", *positional):
            command.add_argument(argument)
        keys = command.add_mutually_exclusive_group()
        for option, kind in (("--key", "key_file"), ("--passphrase-file", "passphrase"), ("--age-identity", "age")):
            keys.add_argument(option, dest=kind, metavar="FILE")
    given = vars(parser.parse_args())
    sys.stdout.reconfigure(errors="backslashreplace")
    sys.stderr.reconfigure(errors="backslashreplace")
    report, user_keys = Report(), {}
    try:
        for kind, read in USER_KEYS.items():
            if given[kind]:
                with reading(given[kind]), open(given[kind], "rb") as file:
                    user_keys[kind] = read(file.read())
        vault = Vault(given["vault"], user_keys)
        if given["command"] == "list":
            list_backups(vault, report)
        elif given["command"] == "restore":
            restore(vault, report, given["backup"], given["target"])
        else:
            check(vault, report)
    except (Damage, OSError, ValueError) as error:
        report.damaged(error)
    return report.status


if __name__ == "__main__":
    sys.exit(main())
