"""Country files for tests: a writer for the smallest part of MaxMind's DB format (version 2.0) that can be read.

    path.write_bytes(mmdb({"192.0.2.0/24": {"country": {"iso_code": "NZ"}}}))

A file is a binary tree over the bits of addresses, sixteen zero bytes, the records, a marker and a record of metadata.
A node is two numbers: below the count of nodes another node, equal to it nothing, above it the place of a record.
"""

from ipaddress import ip_network

_MARKER = b"\xab\xcd\xefMaxMind.com"
_BUILT = 1_790_000_000
"""2026-09-21T14:13:20Z."""
_UINT16, _UINT32, _MAP, _ARRAY, _UINT64 = 5, 6, 7, 11, 9


def country(code):
    return {"country": {"iso_code": code}}


def mmdb(records, *, ip_version=6, kind="Test-Country", built=_BUILT):
    """A file with these records by network; networks of IPv4 stand at ::/96. None of them may lie in another."""
    tree = [[None, None]]
    data, places = b"", {}
    for cidr, record in records.items():
        written = _value(record)
        if written not in places:
            places[written] = len(data)
            data += written
        _hang(tree, cidr, ip_version, places[written])
    count = len(tree)
    nodes = b"".join(_number(side, count).to_bytes(4, "big") for node in tree for side in node)
    about = _map({
        "node_count": _sized(_UINT32, count),
        "record_size": _sized(_UINT16, 32),
        "ip_version": _sized(_UINT16, ip_version),
        "database_type": _value(kind),
        "languages": bytes([0, _ARRAY - 7]),
        "binary_format_major_version": _sized(_UINT16, 2),
        "binary_format_minor_version": _sized(_UINT16, 0),
        "build_epoch": _sized(_UINT64, built),
        "description": _map({}),
    })  # fmt: skip
    return nodes + bytes(16) + data + _MARKER + about


def countries(**networks):
    """A file by country: `countries(NZ="192.0.2.0/24")`."""
    return mmdb({cidr: country(code) for code, cidr in networks.items()})


def _hang(tree, cidr, ip_version, place):
    network = ip_network(cidr)
    before = 96 if (network.version, ip_version) == (4, 6) else 0
    bits = [0] * before + [int(bit) for bit in f"{int(network[0]):0{network.max_prefixlen}b}"[: network.prefixlen]]
    node = 0
    for bit in bits[:-1]:
        if tree[node][bit] is None:
            tree[node][bit] = ("node", len(tree))
            tree.append([None, None])
        node = tree[node][bit][1]
    assert tree[node][bits[-1]] is None, f"{cidr} lies in another network"
    tree[node][bits[-1]] = ("record", place)


def _number(side, count):
    if side is None:
        return count
    what, where = side
    return where if what == "node" else count + 16 + where


def _value(value):
    """Only what records of countries are made of: text and maps."""
    if isinstance(value, str):
        raw = value.encode()
        assert len(raw) < 29
        return bytes([2 << 5 | len(raw)]) + raw
    return _map({key: _value(one) for key, one in value.items()})


def _map(written):
    assert len(written) < 29
    return bytes([_MAP << 5 | len(written)]) + b"".join(_value(key) + value for key, value in written.items())


def _sized(kind, number):
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    first = bytes([kind << 5 | len(raw)]) if kind < 8 else bytes([len(raw), kind - 7])
    return first + raw
