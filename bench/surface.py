"""The surface engine beside badblocks, fio and plain direct I/O, on the same loop device, and many
drives at once.

All write every byte and read every byte back once. The order turns from round to round, so that a
machine that warms up or slows down favours none; medians are compared. CPU is user and system time
of the process and its children, of the agent with its start and imports. The loop device's own
kernel threads are counted for none. The engine also probes the capacity and stores its state.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agent.build import build
from launcher.needs import NEEDS

MIB = 1 << 20
NAMES = {
    "badblocks": "badblocks -w -t 0xaa -b 4096 -c 1024",
    "agent": "agent surface run --passes=1",
    "fio": "fio --verify=crc32c, 1 MiB, depth 4",
    "plain": "dd with O_DIRECT, 4 MiB: write, read",
}


@dataclass(frozen=True)
class Measured:
    """One run. Seconds; resident memory in MiB."""

    wall: float
    cpu: float
    memory: float


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    if not NEEDS["loop"].find() or not NEEDS["badblocks"].find():
        print("bench: needs root with loop devices, and badblocks (e2fsprogs)", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(dir=options.dir, prefix="bench-") as name:
        folder = Path(name)
        (folder / "agent.pyz").write_bytes(build())
        with _loops(folder, 1, options.mib) as (device,):
            found = _side_by_side(options, folder, device)
        _print(options, found)
        if options.drives:
            with _loops(folder, options.drives, options.drive_mib) as devices:
                _many(options, folder, devices)
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run bench surface", description=__doc__)
    parser.add_argument("--mib", type=int, default=1024, help="size of the device (1024)")
    parser.add_argument("--runs", type=int, default=7, help="of each program (7)")
    parser.add_argument("--dir", default=_fastest(), help="where the devices' files lie")
    parser.add_argument("--chunk", type=int, help="bytes, else the agent's own")
    parser.add_argument("--threads", type=int, help="else the agent's own")
    parser.add_argument("--python", default=sys.executable, help="of the agent")
    parser.add_argument("--drives", type=int, default=12, help="at once; 0 for none (12)")
    parser.add_argument("--drive-mib", type=int, default=128, help="size of each of those (128)")
    parser.add_argument("--drive-rate", type=int, default=30, help="MiB/s of each of those (30)")
    return parser.parse_args(arguments)


def _fastest() -> str:
    """Memory, so that the programs are measured and not a disk."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()


@contextmanager
def _loops(folder: Path, count: int, mib: int) -> Iterator[list[str]]:
    """Loop devices with direct I/O over files that are all there."""
    losetup, devices = str(NEEDS["loop"].find()), []
    backings = [folder / f"disk{number}" for number in range(count)]
    try:
        for backing in backings:
            with backing.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, mib * MIB)
            attach = [losetup, "--find", "--show", "--direct-io=on", str(backing)]
            done = subprocess.run(attach, check=True, capture_output=True, text=True)
            devices.append(done.stdout.strip())
        yield devices
    finally:
        for device in devices:
            subprocess.run([losetup, "-d", device], check=True)
        for backing in backings:
            backing.unlink(missing_ok=True)


def _commands(
    options: argparse.Namespace, folder: Path, device: str, number: int
) -> dict[str, list[list[str]]]:
    """By program: the commands of one run, in turn."""
    dd = ["dd", "bs=4M", f"count={options.mib // 4}"]
    found = {
        "badblocks": [
            [str(NEEDS["badblocks"].find()), "-w", "-t", "0xaa", "-b", "4096", "-c", "1024", device]
        ],
        "agent": [_agent(options, folder, device, f"run{number}", options.mib)],
        "plain": [
            [*dd, "if=/dev/zero", f"of={device}", "oflag=direct", "conv=fsync,notrunc"],
            [*dd, f"if={device}", "of=/dev/null", "iflag=direct"],
        ],
    }
    fio = shutil.which("fio")
    if fio:
        shape = ["--bs=1m", "--iodepth=4", "--ioengine=libaio", "--direct=1", "--rw=write"]
        shape += ["--verify=crc32c", "--do_verify=1", "--verify_fatal=1", "--output=/dev/null"]
        found["fio"] = [[fio, "--name=bench", f"--filename={device}", *shape]]
    return found


def _agent(
    options: argparse.Namespace, folder: Path, device: str, run_id: str, mib: int
) -> list[str]:
    command = [options.python, "-I", "-B", str(folder / "agent.pyz"), "surface", "run"]
    command += ["--state", str(folder / "root" / "runs" / run_id), "--device", device]
    command += ["--passes=1", f"--expect-size={mib * MIB}"]
    command += [f"--chunk={options.chunk}"] if options.chunk else []
    command += [f"--threads={options.threads}"] if options.threads else []
    return command


def _side_by_side(
    options: argparse.Namespace, folder: Path, device: str
) -> dict[str, list[Measured]]:
    found: dict[str, list[Measured]] = {}
    for number in range(-1, options.runs):  # the first round warms up
        commands = _commands(options, folder, device, number)
        programs = sorted(commands)
        turn = number % len(programs)
        for program in programs[turn:] + programs[:turn]:
            parts = [_timed(command, program) for command in commands[program]]
            if program == "fio":  # the guard would refuse to overwrite what it left
                subprocess.run(commands["plain"][0], check=True, capture_output=True)
            if number >= 0:
                found.setdefault(program, []).append(
                    Measured(
                        sum(part.wall for part in parts),
                        sum(part.cpu for part in parts),
                        max(part.memory for part in parts),
                    )
                )
    return found


def _timed(command: list[str], program: str) -> Measured:
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - began
    if process.returncode != 0 or (program == "badblocks" and said):
        raise SystemExit(f"{program} failed: {said[-500:]!r} {process.stderr.read()!r}")
    if program == "agent":
        _check(said)
    return Measured(wall, usage.ru_utime + usage.ru_stime, _mebibytes(usage))


def _check(said: bytes) -> None:
    verdict = json.loads(said.splitlines()[-1])
    assert verdict["verdict"] == "passed", verdict
    assert verdict["bytes_written"] == verdict["bytes_verified"] == verdict["size_bytes"]


def _mebibytes(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss / (1 if sys.platform == "darwin" else 1024)


def _many(options: argparse.Namespace, folder: Path, devices: list[str]) -> None:
    """All at once, each at the rate of a drive; one alone before, to compare with."""
    limit = f"--rate-limit={options.drive_rate * MIB}"

    def command(device: str, run_id: str) -> list[str]:
        return [*_agent(options, folder, device, run_id, options.drive_mib), limit]

    alone = _timed(command(devices[0], "alone"), "agent").wall
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    running = [
        subprocess.Popen(command(device, f"many{number}"), stdout=subprocess.PIPE)
        for number, device in enumerate(devices)
    ]
    walls = []
    for process in running:
        said, _ = process.communicate()
        walls.append(time.monotonic() - began)
        _check(said)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"\n{len(devices)} drives of {options.drive_mib} MiB at once, each at"
        f" {options.drive_rate} MiB/s: the last done after {max(walls):.1f} s, one alone"
        f" {alone:.1f} s; CPU {cpu:.1f} s in all"
    )


def _print(options: argparse.Namespace, found: dict[str, list[Measured]]) -> None:
    print(
        f"{options.mib} MiB on a loop device with direct I/O over a file in {options.dir},"
        f" one write and one verify; {options.runs} runs each, in turn; load"
        f" {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    print(f"{'':<40}{'wall s':>18}{'CPU s':>18}{'MiB':>6}")
    middle: dict[str, Measured] = {}
    for program in sorted(found):
        runs = found[program]
        walls, cpus = [run.wall for run in runs], [run.cpu for run in runs]
        middle[program] = Measured(
            statistics.median(walls), statistics.median(cpus), max(run.memory for run in runs)
        )
        one = middle[program]
        wall = f"{one.wall:.2f} ({min(walls):.2f}–{max(walls):.2f})"
        cpu = f"{one.cpu:.2f} ({min(cpus):.2f}–{max(cpus):.2f})"
        print(f"{NAMES[program]:<40}{wall:>18}{cpu:>18}{one.memory:>6.0f}")
    for other in sorted(set(found) - {"agent"}):
        walls = [a.wall / b.wall for a, b in zip(found["agent"], found[other], strict=True)]
        cpus = [a.cpu / b.cpu for a, b in zip(found["agent"], found[other], strict=True)]
        wall, cpu = f"{statistics.median(walls):.2f} ×", f"{statistics.median(cpus):.2f} ×"
        print(f"{'agent against ' + other + ', median of the pairs':<40}{wall:>18}{cpu:>18}")
