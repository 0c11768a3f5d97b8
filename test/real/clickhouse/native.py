"""ClickHouse's native protocol as far as clickhouse-go speaks it to SigNoz's store: revision 54451, without compression."""

import re
import struct

# Below 54453: no parallel replicas, custom serialisations or parameters on the wire.
REVISION = 54451
BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"

BYTES = {
    **{"UInt8": 1, "Int8": 1, "Bool": 1, "Enum8": 1, "UInt16": 2, "Int16": 2, "Date": 2, "Enum16": 2},
    **{"UInt32": 4, "Int32": 4, "Float32": 4, "Date32": 4, "DateTime": 4, "IPv4": 4},
    **{"UInt64": 8, "Int64": 8, "Float64": 8, "DateTime64": 8, "UUID": 16, "IPv6": 16},
}


class Refused(Exception):
    """What the client is told: ClickHouse's own words, or what this adapter cannot do."""


class Wire:
    def __init__(self, sock):
        self.sock, self.buffer, self.at, self.taken = sock, b"", 0, None

    def raw(self, count):
        while len(self.buffer) - self.at < count:
            more = self.sock.recv(max(1 << 16, count))
            if not more:
                raise EOFError
            self.buffer, self.at = self.buffer[self.at :] + more, 0
        out = self.buffer[self.at : self.at + count]
        self.at += count
        if self.taken is not None:
            self.taken.append(out)
        return out

    def byte(self):
        return self.raw(1)[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def string(self):
        return self.raw(self.varint()).decode("utf-8", "replace")

    def uint64(self):
        return struct.unpack("<Q", self.raw(8))[0]

    def send(self, *parts):
        self.sock.sendall(b"".join(parts))


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def string(text):
    encoded = text.encode() if isinstance(text, str) else text
    return varint(len(encoded)) + encoded


def parsed(type_name):
    """("Map", ["String", "UInt8"]) of "Map(String, UInt8)"."""
    if "(" not in type_name:
        return type_name, []
    name, rest = type_name.split("(", 1)
    parts, depth, part, quoted = [], 0, "", False
    for char in rest[:-1]:
        if char == "'":
            quoted = not quoted
        depth += 0 if quoted else (char == "(") - (char == ")")
        if char == "," and depth == 0 and not quoted:
            parts.append(part.strip())
            part = ""
        else:
            part += char
    parts.append(part.strip())
    if name == "SimpleAggregateFunction":
        return parsed(parts[1])
    if name == "Tuple":
        parts = [re.sub(r"^[`\w]+ (?=\w)", "", part) for part in parts]
    return name, parts


def take_prefix(wire, type_name):
    name, inner = parsed(type_name)
    if name == "LowCardinality":
        wire.raw(8)
    elif name in ("Array", "Nullable", "Map", "Tuple"):
        for part in inner:
            take_prefix(wire, part)
    elif name == "JSON" and (version := wire.uint64()) != 1:
        raise Refused(f"Code: 48. This adapter cannot read JSON of serialisation {version}")


def take(wire, type_name, rows):
    name, inner = parsed(type_name)
    if name in BYTES:
        wire.raw(BYTES[name] * rows)
    elif name in ("String", "JSON"):
        for _ in range(rows):
            wire.raw(wire.varint())
    elif name == "FixedString":
        wire.raw(int(inner[0]) * rows)
    elif name == "Nullable":
        wire.raw(rows)
        take(wire, inner[0], rows)
    elif name in ("Array", "Map"):
        total = struct.unpack("<Q", wire.raw(8 * rows)[-8:])[0] if rows else 0
        for part in inner:
            take(wire, part, total)
    elif name == "Tuple":
        for part in inner:
            take(wire, part, rows)
    elif name == "LowCardinality":
        if rows:
            index_bytes = 1 << (wire.uint64() & 0xFF)
            take(wire, re.sub(r"^Nullable\((.*)\)$", r"\1", inner[0]), wire.uint64())
            wire.raw(wire.uint64() * index_bytes)
    else:
        raise Refused(f"Code: 48. This adapter cannot read a column of {type_name}")


def take_block(wire):
    """(rows, the block as FORMAT Native has it)"""
    while field := wire.varint():
        wire.raw({1: 1, 2: 4}[field])
    wire.taken = []
    columns, rows = wire.varint(), wire.varint()
    for _ in range(columns):
        wire.string()
        type_name = wire.string()
        if rows:
            take_prefix(wire, type_name)
            take(wire, type_name, rows)
    block, wire.taken = b"".join(wire.taken), None
    return rows, block


def empty_block(columns):
    return varint(len(columns)) + b"\0" + b"".join(string(name) + string(kind) for name, kind in columns)


def split_blocks(native):
    """FORMAT Native is block after block without a length: each begins with the head of the first column."""

    def after_varint(at):
        while native[at] > 127:
            at += 1
        return at + 1

    def after_string(at):
        end, size, shift = after_varint(at), 0, 0
        for byte in native[at:end]:
            size |= (byte & 127) << shift
            shift += 7
        return end + size

    columns = after_varint(0)
    head = after_varint(columns)
    first = native[head : after_string(after_string(head))]
    pattern = re.escape(native[:columns]) + rb"[\x80-\xff]{0,4}[\x00-\x7f]" + re.escape(first)
    cuts = [found.start() for found in re.finditer(pattern, native, re.S)]
    return [native[begin:end] for begin, end in zip(cuts, cuts[1:] + [len(native)])]
