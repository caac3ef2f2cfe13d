"""Packs and the index of Ostler's vaults: from tables to chunks. Part of read_vault.py, which see."""

import os
import struct
from collections import namedtuple

import zstandard
from blake3 import blake3

from read_vault_keys import Damage, keyed, reading, require
from read_vault_lists import Cursor

SEGMENT, WRITER = 1, 1  # kind and mode of the sealed objects that are index segments
HEADER, FOOTER, TAG = 112, 16, 16  # sizes of a pack's parts
MOST = 16 << 20  # plaintext of a block

# What is sealed together, and the chunks in it: (id, where it starts in the plaintext, length) each.
Block = namedtuple("Block", "number kind encoding offset stored length chunks")


def read_table(table, size):
    """The blocks that the table of a pack of this size names."""
    cursor, blocks, end = Cursor(table), [], HEADER
    while cursor.at < len(table):
        kind, encoding, offset, stored, length, count = struct.unpack(">BBIIII", cursor.take(18))
        require(kind in (1, 2) and encoding in (0, 1), "has a block of unknown kind or encoding")
        chunks, start = [], 0
        for _ in range(count):
            chunks.append((cursor.take(32), start, cursor.fixed(4)))
            start += chunks[-1][2]
        fits = TAG <= stored < length + TAG if encoding else stored == length + TAG
        require(offset == end and length <= MOST and fits and chunks and start == length, "its table contradicts itself")
        blocks.append(Block(len(blocks), kind, encoding, offset, stored, length, chunks))
        end += stored
    require(end + len(table) + TAG + FOOTER <= size, "its table does not fit into it")
    return blocks


class Packs:
    """What an open vault knows of its packs, and how it reads them.

    `packs` maps names to (size, header, blocks); `index` chunk ids to places: (pack, header, block, start, length).
    """

    def __init__(self):
        self.packs, self.index, self.pack_keys, self.damaged, self.last = {}, {}, {}, None, (None, b"")

    def add_pack(self, name, *pack):
        known = self.packs.setdefault(name, pack)
        require(known == pack, f"contradicts another segment on pack {name}")
        for block in pack[2] if known is pack else ():
            for chunk_id, start, length in block.chunks:
                self.index.setdefault(chunk_id, []).append((name, pack[1], block, start, length))

    def load_index(self, damaged):
        self.damaged = damaged
        for key in self.list("index"):
            try:
                with reading(key):
                    require(blake3(self.read(key)).hexdigest() == os.path.basename(key), "is not what its name says")
                    cursor = Cursor(self.open_object(key, SEGMENT, WRITER, "index/"))
                    cursor.version()
                    while cursor.at < len(cursor.data):
                        name, size, header = cursor.take(32).hex(), cursor.fixed(8), cursor.take(HEADER)
                        self.add_pack(name, size, header, read_table(cursor.take(cursor.fixed(4)), size))
            except Damage as error:
                damaged(error)

    def pack_key(self, header):
        if header not in self.pack_keys:
            *known, epoch, vault = struct.unpack(">8sBBHI16s", header[:32])
            known = known == [b"OSTLPACK", 1, self.suite.code, 0] and vault == self.id
            require(known, "its header is not of a pack of this vault")
            self.pack_keys[header] = self.sealed_key(epoch, header[32:], b"pack key")
        return self.pack_keys[header]

    def open_block(self, header, block, sealed):
        """The plaintext of a block, each of whose chunks is what its id says."""
        bound = self.id + struct.pack(">BBI", block.kind, block.encoding, block.length)
        if len(block.chunks) == 1:
            bound += block.chunks[0][0]
        plain = self.suite.open(self.pack_key(header), sealed, bound, block.number.to_bytes(12, "big"))
        if block.encoding == 1:
            plain = zstandard.ZstdDecompressor().stream_reader(plain).read(block.length + 1)
        require(len(plain) == block.length, f"its block {block.number} does not have its length")
        for chunk_id, start, length in block.chunks:
            named = keyed(self.chunk_key, plain[start:start + length]) == chunk_id
            require(named, f"its chunk {chunk_id.hex()} is not what its id says")
        return plain

    def chunk(self, chunk_id):
        """The plaintext of a chunk, from any copy that is whole."""
        problem = Damage(f"chunk {chunk_id.hex()}: the index does not know it")
        if chunk_id not in self.index and self.damaged:
            self.damaged(f"{problem}; looking at all packs")
            self.damaged = None  # once is enough
            for key in self.list("packs"):
                try:
                    data, blocks = self.open_pack(key)
                    self.add_pack(os.path.basename(key), len(data), data[:HEADER], blocks)
                except (Damage, ValueError):
                    pass  # whatever is needed of it will be missed
        for name, header, block, start, length in self.index.get(chunk_id, ()):
            key = f"packs/{name[:2]}/{name}"
            try:
                with reading(key):
                    if self.last[0] != (name, block.number):  # small files that follow each other share a block
                        sealed = self.read(key, block.offset, block.stored)
                        self.last = (name, block.number), self.open_block(header, block, sealed)
                    return self.last[1][start:start + length]
            except Damage as error:
                problem = error
        raise problem

    def open_pack(self, key):
        """A whole pack and the blocks its table names."""
        data, name = self.read(key), os.path.basename(key)
        with reading(key):
            named = blake3(data).hexdigest() == name and key == f"packs/{name[:2]}/{name}"
            require(named and len(data) >= HEADER + FOOTER, "is not what its name says")
            length, signature, *known = struct.unpack(">IHH8s", data[-FOOTER:])
            end = len(data) - FOOTER - signature
            require(known == [0, b"OSTLPEND"] and end - length >= HEADER, "its footer is wrong")
            header, sealed = data[:HEADER], data[end - length:end]
            blocks = read_table(self.suite.open(self.pack_key(header), sealed, header, b"\xff" * 12), len(data))
            require(HEADER + sum(block.stored for block in blocks) == end - length, "its table leaves bytes unnamed")
            return data, blocks

    def check_pack(self, key):
        """Reads and verifies all blocks of a pack; gives what its table names."""
        data, blocks = self.open_pack(key)
        with reading(key):
            header = data[:HEADER]
            indexed = self.packs.get(os.path.basename(key))
            require(indexed in (None, (len(data), header, blocks)), "is not what the index says")
            for block in blocks:
                self.open_block(header, block, data[block.offset:block.offset + block.stored])
            return blocks
