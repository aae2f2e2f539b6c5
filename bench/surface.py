"""The surface engine beside `badblocks -w -t 0xaa -b 4096 -c 1024`, on the same loop device.

Both write every byte and read every byte back once. The order alternates from run to run, so that a
machine that warms up or slows down favours neither; medians are compared. CPU is user and system
time of the process and its children, of the agent with its start and imports. The loop device's own
kernel threads are counted for neither. The engine also probes the capacity and stores its state.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from agent.build import build
from launcher.needs import NEEDS

MIB = 1 << 20


@dataclass(frozen=True)
class Measured:
    """One run. Seconds; resident memory in MiB."""

    wall: float
    cpu: float
    memory: float


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    losetup, badblocks = NEEDS["loop"].find(), NEEDS["badblocks"].find()
    if not losetup or not badblocks:
        print("bench: needs root with loop devices, and badblocks (e2fsprogs)", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(dir=options.dir, prefix="bench-") as name:
        folder = Path(name)
        zipapp = folder / "agent.pyz"
        zipapp.write_bytes(build())
        backing = folder / "disk"
        backing.write_bytes(b"")
        os.posix_fallocate(os.open(backing, os.O_RDWR), 0, options.mib * MIB)
        attach = [losetup, "--find", "--show", "--direct-io=on", str(backing)]
        device = subprocess.run(attach, check=True, capture_output=True, text=True).stdout.strip()
        try:
            found = _measure(options, folder, zipapp, badblocks, device)
        finally:
            subprocess.run([losetup, "-d", device], check=True)
    _print(options, found)
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run bench surface", description=__doc__)
    parser.add_argument("--mib", type=int, default=1024, help="size of the device (1024)")
    parser.add_argument("--runs", type=int, default=7, help="of each program (7)")
    parser.add_argument("--dir", default=_fastest(), help="where the device's file lies")
    parser.add_argument("--chunk", type=int, help="bytes, else the agent's own")
    parser.add_argument("--threads", type=int, help="else the agent's own")
    parser.add_argument("--python", default=sys.executable, help="of the agent")
    return parser.parse_args(arguments)


def _fastest() -> str:
    """Memory, so that the programs are measured and not a disk."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()


def _measure(
    options: argparse.Namespace, folder: Path, zipapp: Path, badblocks: str, device: str
) -> dict[str, list[Measured]]:
    found: dict[str, list[Measured]] = {"badblocks": [], "agent": []}
    for number in range(-1, options.runs):  # the first pair warms up
        programs = ["badblocks", "agent"] if number % 2 else ["agent", "badblocks"]
        for program in programs:
            if program == "badblocks":
                command = [badblocks, "-w", "-t", "0xaa", "-b", "4096", "-c", "1024", device]
            else:
                state = folder / "root" / "runs" / f"run{number}"
                command = [options.python, "-I", "-B", str(zipapp), "surface", "run"]
                command += ["--state", str(state), "--device", device, "--passes=1"]
                command += [f"--expect-size={options.mib * MIB}"]
                command += [f"--chunk={options.chunk}"] if options.chunk else []
                command += [f"--threads={options.threads}"] if options.threads else []
            measured = _timed(command, program)
            if number >= 0:
                found[program].append(measured)
    return found


def _timed(command: list[str], program: str) -> Measured:
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - began
    if process.returncode != 0 or (program == "badblocks" and said):
        assert process.stderr is not None
        raise SystemExit(f"{program} failed: {said[-500:]!r} {process.stderr.read()!r}")
    if program == "agent":
        verdict = json.loads(said.splitlines()[-1])
        assert verdict["verdict"] == "passed", verdict
        assert verdict["bytes_written"] == verdict["bytes_verified"] == verdict["size_bytes"]
    return Measured(wall, usage.ru_utime + usage.ru_stime, _mebibytes(usage))


def _mebibytes(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss / (1 if sys.platform == "darwin" else 1024)


def _print(options: argparse.Namespace, found: dict[str, list[Measured]]) -> None:
    print(
        f"{options.mib} MiB on a loop device with direct I/O over a file in {options.dir},"
        f" one write and one verify; {options.runs} runs each, order alternating"
    )
    print(f"{'':<42}{'wall s':>16}{'CPU s':>16}{'memory MiB':>12}")
    names = {
        "badblocks": "badblocks -w -t 0xaa -b 4096 -c 1024",
        "agent": "agent surface run --passes=1",
    }
    middle: dict[str, Measured] = {}
    for program, runs in found.items():
        walls, cpus = [run.wall for run in runs], [run.cpu for run in runs]
        middle[program] = Measured(
            statistics.median(walls), statistics.median(cpus), max(run.memory for run in runs)
        )
        one = middle[program]
        wall = f"{one.wall:.2f} ({min(walls):.2f}–{max(walls):.2f})"
        cpu = f"{one.cpu:.2f} ({min(cpus):.2f}–{max(cpus):.2f})"
        print(f"{names[program]:<42}{wall:>18}{cpu:>18}{one.memory:>8.0f}")
    ours, theirs = middle["agent"], middle["badblocks"]
    wall, cpu = f"{ours.wall / theirs.wall:.2f} ×", f"{ours.cpu / theirs.cpu:.2f} ×"
    print(f"{'agent against badblocks, medians':<42}{wall:>18}{cpu:>18}")
