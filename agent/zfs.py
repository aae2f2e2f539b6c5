"""The labels that ZFS leaves on a member: whose pool it is, who used it last, and when.

A label is 256 KiB: an XDR name-value list at 16 KiB, a ring of uberblocks at 128 KiB. There are two
at the start of a member and two at its end.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from .clock import iso

LABEL_BYTES = 256 * 1024
PAIRS_AT, RING_AT = 16 * 1024, 128 * 1024
MAGIC = 0x00BAB10C
MAGICS = (struct.pack("<Q", MAGIC), struct.pack(">Q", MAGIC))
UINT64, STRING = 8, 9
STATES = {0: "not exported", 1: "exported", 2: "destroyed", 3: "spare", 4: "cache"}
PAIRS_MOST = 1000
NAME_MOST = 255


class Label(NamedTuple):
    """One label as read. `pairs` is empty where its list can't be read; `txg`, `written` (seconds)
    are those of its newest uberblock, 0 for none. `names`: bytes that stay the same as long as
    nobody writes it.
    """

    offset: int
    pairs: dict[str, Any]
    txg: int
    written: int
    names: bytes

    @property
    def pool(self) -> str:
        return str(self.pairs.get("name") or "")

    def is_let_go(self, host_id: int | None) -> bool:
        """Does it say that its pool was exported or destroyed, or that this very host used it last?
        A spare's or cache's label tells neither.
        """
        hostid = self.pairs.get("hostid")
        ours = isinstance(hostid, int) and hostid == host_id and self.pairs.get("state") == 0
        return self.pairs.get("state") in (1, 2) or ours

    @property
    def shown(self) -> str:
        """The pool's name for people: a strange disk may call itself anything."""
        return _shown(self.pool)

    @property
    def last_user(self) -> str:
        """For people: the host that used it last; empty where it doesn't tell."""
        host, hostid = self.pairs.get("hostname"), self.pairs.get("hostid")
        told = f"host {_shown(str(host))}" if host else "a host" if isinstance(hostid, int) else ""
        return told + (f" (hostid {hostid:#010x})" if isinstance(hostid, int) else "")

    def told(self) -> str:
        """For people: whose it is, who used it last and when."""
        pairs = self.pairs
        if not pairs:
            return "a damaged ZFS label: its pool's name can't be read"
        state = STATES.get(pairs.get("state", -1), "in an unknown state")
        if not self.pool:
            return f"ZFS label ({state}): whose pool it served is not in it"
        by = f", last used by {self.last_user}" if self.last_user else ""
        when = f", last written {iso(self.written)}" if self.written else ""
        return f"ZFS pool {self.shown}, {state}{by}{when}"


def _shown(name: str) -> str:
    """As long as ZFS allows, without what steers a terminal or turns a line around."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for letter in name[:NAME_MOST]
    )


def places(size: int) -> list[int]:
    """Where the four labels of a member of that size begin."""
    end = size // LABEL_BYTES * LABEL_BYTES
    found = (0, LABEL_BYTES, end - 2 * LABEL_BYTES, end - LABEL_BYTES)
    return sorted({at for at in found if at >= 0 and at + LABEL_BYTES <= size})


def label(offset: int, data: bytes, is_ours: Any) -> Label | None:
    """What these 256 KiB are; None where no label lies there. `is_ours(at)`: a burn-in wrote the
    sector at that place of the label.
    """
    listed = data[PAIRS_AT:RING_AT]
    named = b"pool_guid" in listed or b"vdev_tree" in listed
    txg, written, newest = 0, 0, b""
    uber = False
    for at in range(RING_AT, len(data), 1024):
        if data[at : at + 8] not in MAGICS or is_ours(at):
            continue
        uber = True
        order = "<" if data[at : at + 8] == MAGICS[0] else ">"
        found_txg, _, found_written = struct.unpack_from(order + "QQQ", data, at + 16)
        if (found_txg, found_written) > (txg, written):
            txg, written, newest = found_txg, found_written, data[at : at + 256]
    pairs = _pairs(listed)
    if not (named or uber or pairs):
        return None
    written = written if written < 1 << 33 else 0
    names = repr(sorted(pairs.items())).encode() if pairs else listed
    return Label(offset, pairs, txg, written, names + newest)


def _pairs(listed: bytes) -> dict[str, Any]:
    """The numbers and texts of the list's top level; empty where it is none or is cut off."""
    if listed[:2] not in (b"\x01\x01", b"\x01\x00"):  # XDR, written by a little or big endian host
        return {}
    found: dict[str, Any] = {}
    at = 12  # after encoding, version and flags
    try:
        for _ in range(PAIRS_MOST):
            length, decoded = struct.unpack_from(">II", listed, at)
            if length == 0 and decoded == 0:
                return found
            name_length = struct.unpack_from(">I", listed, at + 8)[0]
            if length < 20 or name_length > length:
                return {}
            name = listed[at + 12 : at + 12 + name_length].decode("utf-8", "replace")
            value_at = at + 12 + (name_length + 3) // 4 * 4
            kind, count = struct.unpack_from(">II", listed, value_at)
            if kind == UINT64 and count == 1:
                found[name] = struct.unpack_from(">Q", listed, value_at + 8)[0]
            elif kind == STRING and count == 1:
                text = struct.unpack_from(">I", listed, value_at + 8)[0]
                if text > length:
                    return {}
                found[name] = listed[value_at + 12 : value_at + 12 + text].decode(
                    "utf-8", "replace"
                )
            at += length
    except struct.error:
        return {}
    return {}
