"""The file lists of Ostler's backups, from chunks to entries. Part of read_vault.py, which see."""

import os
from collections import namedtuple

from read_vault_keys import Damage, reading, require

DIRECTORY, FILE, SYMLINK, FIFO, SOCKET, CHARACTER, BLOCK = range(7)  # kinds of entries
HOLES, FAR, XATTRS, SAME_OWNER = 0x08, 0x20, 0x40, 0x80  # their flags

# `content` is a file's extents, a link's target, a device's (major, minor).
Entry = namedtuple("Entry", "path kind flags mode user group device modified inode links xattrs size content")


class Cursor:
    """Takes fields from bytes."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, length):
        require(length <= len(self.data) - self.at, "ends in the middle of a field")
        self.at += length
        return self.data[self.at - length:self.at]

    def fixed(self, length):
        return int.from_bytes(self.take(length), "big")

    def version(self):
        require(self.fixed(1) == 1, "its version is not known")

    def number(self):
        value = shift = 0
        while True:
            byte = self.fixed(1)
            value |= (byte & 0x7F) << shift
            shift += 7
            require(value < 1 << 64 and shift <= 70, "a number is longer than 64 bits")
            if byte < 0x80:
                return value

    def numbers(self, count):
        return [self.number() for _ in range(count)]

    def step(self, base):
        """A signed number of 64 bits, stored as its difference from `base`."""
        zigzag = self.number()
        value = (base + ((zigzag >> 1) ^ -(zigzag & 1))) & (1 << 64) - 1
        return value - (1 << 64) if value >> 63 else value

    def bytes(self):
        return self.take(self.number())

    def path(self, before):
        """A path, stored as what it does not share with the one before."""
        shared = self.number()
        require(shared <= len(before), "a path shares more than there is")
        return before[:shared] + self.bytes()

    def end(self):
        require(self.at == len(self.data), "does not end where its fields do")


def shown(path):
    """A path for people: what cannot be printed is escaped."""
    return repr(os.fsdecode(path))[1:-1]


def blocks(vault, address, whole=True):
    """(first path, entries, bytes, address) of each block of the list."""
    with reading(f"chunk {address.hex()}"):
        cursor, found, first = Cursor(vault.chunk(address)), [], b""
        cursor.version()
        parts = cursor.fixed(1)
        require(parts in ((0, 1) if whole else (0,)), "is no directory of a file list")
        for _ in range(cursor.number()):
            if parts:
                found += blocks(vault, cursor.take(32), False)
            else:
                first = cursor.path(first)
                found.append((first, cursor.number(), cursor.number(), cursor.take(32)))
                cursor.take(32 * cursor.number())
        cursor.end()
        return found


def extents(vault, cursor, far):
    """(chunk id or None for zeros, length) of each part of a file."""
    found = []
    for _ in range(cursor.number()):
        if far:
            part = Cursor(vault.chunk(cursor.take(32)))
            part.version()
            found += extents(vault, part, False)
            part.end()
        else:
            kind, length = cursor.fixed(1), cursor.number()
            require(kind in (0, 1), "has an extent of unknown kind")
            found.append((None if kind else cursor.take(32), length))
    return found


def block(vault, data):
    """The entries of a block."""
    cursor, path, owner, modified, inode = Cursor(data), b"", None, 0, 0
    cursor.version()
    for _ in range(cursor.number()):
        path = cursor.path(path)
        forbidden = b"\0" in path or path and {b"", b".", b".."} & set(path.split(b"/"))
        require(not forbidden, f"has the forbidden path {path!r}")
        flags = cursor.fixed(1)
        kind = flags & 7
        if not flags & SAME_OWNER:
            owner = cursor.numbers(3)
            for _ in range(2):  # names of user and group
                cursor.take(max(cursor.number() - 1, 0))
            owner.append(cursor.number())
        require(owner, "its first entry refers to one before")
        modified = cursor.step(modified)
        nanoseconds, _, _ = cursor.number(), cursor.step(0), cursor.number()  # the last two: time of change
        inode, links = cursor.step(inode), cursor.number()
        xattrs = [(cursor.bytes(), cursor.bytes()) for _ in range(cursor.number())] if flags & XATTRS else []
        size = content = 0
        if kind == FILE:
            size, content = cursor.number(), extents(vault, cursor, flags & FAR)
            require(sum(length for _, length in content) == size, "a file's extents are not its size")
        elif kind == SYMLINK:
            content = cursor.bytes()
        elif kind in (CHARACTER, BLOCK):
            content = cursor.numbers(2)
        require(kind <= BLOCK, "has an entry of unknown kind")
        time = modified * 10**9 + nanoseconds
        yield Entry(path, kind, flags, *owner, time, inode, links, xattrs, size, content)
    cursor.end()


def below(part, entry):
    """An entry of a cluster's backup: below its node and root, and linked to nothing of another."""
    return entry._replace(path=part + b"/" + entry.path, device=(part, entry.device))


def entries(vault, record, damaged):
    """All entries of a backup; says to `damaged` which blocks cannot be read, and leaves them out."""
    for node in record["nodes"]:
        before, part = None, f"{node['host']}/{node['root']}".encode() if node.get("root") else None
        for first, count, size, address in blocks(vault, bytes.fromhex(node["list"])):
            try:
                with reading(f"chunk {address.hex()}"):
                    entries = list(block(vault, vault.chunk(address)))
                    told = (entries[0].path, len(entries), sum(entry.size for entry in entries))
                    require((first, count, size) == told, "is not what the directory of its list says")
                    for order in (entry.path.replace(b"/", b"\0") for entry in entries):
                        require(before is None or before < order, "its paths are not in order")
                        before = order
                yield from entries if part is None else (below(part, entry) for entry in entries)
            except Damage as error:
                damaged(error)
