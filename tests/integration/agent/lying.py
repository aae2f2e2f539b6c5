"""A disk that lies on order: an nbdkit python plugin over a plain file.

nbdkit python lying.py file=PATH faults=PATH

`faults` holds a JSON list, read again at each request. Offsets and lengths in bytes:
{"kind": "read_error"|"write_error", "offset", "length"}   EIO
{"kind": "flip", "offset", "mask"}                         this byte is read with these bits flipped
{"kind": "unstable", "offset"}                             this byte is another one at each reading
{"kind": "lose", "offset", "length"}                       what is written there is not kept
{"kind": "misdirect", "offset", "length", "to"}            what is written there lands elsewhere
{"kind": "wrap", "size"}                                   addresses wrap at this size
{"kind": "gone"}                                           every request fails
{"kind": "stall", "offset", "length", "seconds"}           the answer comes so much later
"once": true makes a fault of errors happen a single time.
"""

import builtins
import errno
import json
import os
import time

import nbdkit

API_VERSION = 2
_config = {}
_spent = set()
_count = 0


def config(key, value):
    _config[key] = value


def thread_model():
    return nbdkit.THREAD_MODEL_SERIALIZE_ALL_REQUESTS


def open(readonly):
    return os.open(_config["file"], os.O_RDWR)


def close(descriptor):
    os.close(descriptor)


def get_size(descriptor):
    return os.fstat(descriptor).st_size


def can_flush(descriptor):
    return True


def flush(descriptor, flags):
    _fail_on("gone", 0, 1 << 60)


def _faults(*kinds):
    with builtins.open(_config["faults"]) as file:
        return [fault for fault in json.load(file) if fault["kind"] in kinds]


def _overlaps(fault, start, end):
    if "offset" not in fault:
        return True
    return fault["offset"] < end and start < fault["offset"] + fault.get("length", 1)


def _fail_on(kinds, start, end):
    for fault in _faults(*kinds.split()):
        key = json.dumps(fault, sort_keys=True)
        if _overlaps(fault, start, end) and key not in _spent:
            if fault.get("once"):
                _spent.add(key)
            nbdkit.set_error(errno.EIO)
            raise OSError(errno.EIO, "as ordered")


def _stall_on(start, end):
    for fault in _faults("stall"):
        key = json.dumps(fault, sort_keys=True)
        if _overlaps(fault, start, end) and key not in _spent:
            _spent.add(key)
            time.sleep(fault["seconds"])


def _wrapped(offset, length):
    """The pieces (offset in the request, place, length) after wrapping."""
    wraps = _faults("wrap")
    if not wraps:
        return [(0, offset, length)]
    size, pieces, done = wraps[0]["size"], [], 0
    while done < length:
        place = (offset + done) % size
        step = min(length - done, size - place)
        pieces.append((done, place, step))
        done += step
    return pieces


def pread(descriptor, buffer, offset, flags):
    global _count
    length = len(buffer)
    _stall_on(offset, offset + length)
    _fail_on("gone read_error", offset, offset + length)
    for at, place, step in _wrapped(offset, length):
        buffer[at : at + step] = os.pread(descriptor, step, place)
    for fault in _faults("flip", "unstable"):
        if _overlaps(fault, offset, offset + length):
            _count += 1
            mask = fault.get("mask", _count % 255 + 1)
            buffer[fault["offset"] - offset] ^= mask


def pwrite(descriptor, buffer, offset, flags):
    end = offset + len(buffer)
    _stall_on(offset, end)
    _fail_on("gone write_error", offset, end)
    data = bytes(buffer)
    kept = bytearray(data)
    for fault in _faults("lose", "misdirect"):
        start, stop = max(fault["offset"], offset), min(fault["offset"] + fault["length"], end)
        if start >= stop:
            continue
        kept[start - offset : stop - offset] = os.pread(descriptor, stop - start, start)
        if fault["kind"] == "misdirect":
            moved = fault["to"] + start - fault["offset"]
            os.pwrite(descriptor, data[start - offset : stop - offset], moved)
    for at, place, step in _wrapped(offset, len(kept)):
        os.pwrite(descriptor, bytes(kept[at : at + step]), place)
