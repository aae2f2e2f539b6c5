"""What a drive says of itself, in plain words: first reading, now, and the change between them.

Out of `smartctl -x --json` of ATA, SAS and NVMe drives. Raw values that pack several numbers into
one are no counts (Seagate's 1, 7, 195): of those the drive's own normalised value is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from drives.models import SmartReading

#: id: (name, unit, whether a rise is bad). "" of a unit is a count; "norm" shows the normalised.
ATA: dict[int, tuple[str, str, bool]] = {
    1: ("Read error rate", "norm", False),
    2: ("Throughput", "norm", False),
    3: ("Spin-up time", "norm", False),
    4: ("Starts and stops", "", False),
    5: ("Reallocated sectors", "", True),
    7: ("Seek error rate", "norm", False),
    8: ("Seek time", "norm", False),
    9: ("Power-on hours", "h", False),
    10: ("Spin retries", "", True),
    11: ("Recalibration retries", "", True),
    12: ("Power cycles", "", False),
    18: ("Head health", "norm", False),
    22: ("Helium level", "norm", False),
    170: ("Available reserved blocks", "norm", False),
    171: ("Program failures", "", True),
    172: ("Erase failures", "", True),
    173: ("Wear levelling", "norm", False),
    174: ("Unexpected power losses", "", False),
    177: ("Wear levelling", "norm", False),
    179: ("Reserved blocks used", "", True),
    181: ("Program failures", "", True),
    182: ("Erase failures", "", True),
    183: ("Bad blocks at run time", "", True),
    184: ("End-to-end errors", "", True),
    187: ("Reported uncorrectable", "", True),
    188: ("Command timeouts", "packed", True),
    189: ("High-fly writes", "", True),
    190: ("Airflow temperature", "°C", False),
    191: ("Shocks while running", "", True),
    192: ("Emergency retracts", "", False),
    193: ("Load cycles", "", False),
    194: ("Temperature", "°C", False),
    195: ("Errors corrected by ECC", "norm", False),
    196: ("Reallocation events", "", True),
    197: ("Pending sectors", "", True),
    198: ("Offline uncorrectable", "", True),
    199: ("Interface CRC errors", "", True),
    200: ("Write errors", "", True),
    202: ("Life left", "norm", False),
    231: ("Life left", "norm", False),
    232: ("Available reserved space", "norm", False),
    233: ("Media wear", "norm", False),
    235: ("Power-loss recoveries", "", False),
    240: ("Head flying hours", "packed h", False),
    241: ("Written", "sectors", False),
    242: ("Read", "sectors", False),
}
#: Key of the NVMe health log: as above. Data units are 1,000 × 512 bytes.
NVME: dict[str, tuple[str, str, bool]] = {
    "critical_warning": ("Critical warning", "", True),
    "media_errors": ("Media errors", "", True),
    "percentage_used": ("Life used", "%", False),
    "available_spare": ("Spare left", "% left", False),
    "num_err_log_entries": ("Error log entries", "", False),
    "temperature": ("Temperature", "°C", False),
    "power_on_hours": ("Power-on hours", "h", False),
    "power_cycles": ("Power cycles", "", False),
    "unsafe_shutdowns": ("Unsafe shutdowns", "", False),
    "data_units_written": ("Written", "units", False),
    "data_units_read": ("Read", "units", False),
    "warning_temp_time": ("Minutes above the warning temperature", "min", True),
    "critical_comp_time": ("Minutes above the critical temperature", "min", True),
    "controller_busy_time": ("Controller busy", "min", False),
    "host_reads": ("Read commands", "", False),
    "host_writes": ("Write commands", "", False),
}
#: What decides; shown though they didn't change.
ALWAYS = {
    "Reallocated sectors", "Pending sectors", "Reported uncorrectable", "Interface CRC errors",
    "Grown defects", "Uncorrected read errors", "Uncorrected write errors",
    "Critical warning", "Media errors", "Life used", "Power-on hours",
}  # fmt: skip
BIGGEST_COUNT = 2**32
SECTOR_UNIT = 512
NVME_UNIT = 512_000


@dataclass(frozen=True)
class Value:
    """One number of a report. `unit` as above."""

    name: str
    note: str
    unit: str
    bad: bool
    number: int

    @property
    def text(self) -> str:
        match self.unit:
            case "bytes":
                return f"{self.number / 1e12:,.2f} TB"
            case "°C" | "h" | "min" | "%":
                return f"{self.number:,} {self.unit}"
            case "% left":
                return f"{self.number:,} %"
        return f"{self.number:,}"


@dataclass(frozen=True)
class Attribute:
    """A line of the table; `first` and `now` are None where that reading hasn't it."""

    name: str
    note: str
    first: Value | None
    now: Value | None

    @property
    def change(self) -> int:
        return self.now.number - self.first.number if self.now and self.first else 0

    @property
    def change_text(self) -> str:
        if self.first is None or self.now is None:
            return "–"
        if not self.change:
            return "0"
        sign = "+" if self.change > 0 else "−"
        size = Value("", "", self.now.unit, False, abs(self.change)).text
        return f"{sign}{size}"

    @property
    def is_bad(self) -> bool:
        """It is a count of faults, and it rose; or spare fell."""
        if self.now is None:
            return False
        fell = self.now.unit == "% left" and self.change < 0
        return fell or (self.now.bad and self.change > 0)

    @property
    def is_standing_fault(self) -> bool:
        """It did not rise here, but it isn't zero either."""
        return self.now is not None and self.now.bad and self.now.number > 0 and not self.is_bad


def compared(first: SmartReading | None, now: SmartReading | None) -> list[Attribute]:
    """Changed ones first, faults before wear, then what always matters, then the others."""
    before = _values(first)
    after = _values(now)
    lines = [
        Attribute(
            (after.get(key) or before[key]).name,
            (after.get(key) or before[key]).note,
            before.get(key),
            after.get(key),
        )
        for key in dict.fromkeys([*after, *before])
    ]

    def rank(line: Attribute) -> int:
        if line.is_bad:
            return 0
        if line.is_standing_fault:
            return 1
        if line.change and not (line.now and line.now.unit == "°C"):
            return 2
        return 3 if line.name in ALWAYS else 4

    return sorted(lines, key=rank)


def is_folded(line: Attribute) -> bool:
    """Whether it is one of the others that didn't change."""
    return not line.change and not line.is_standing_fault and line.name not in ALWAYS


def firmware(reading: SmartReading | None) -> str:
    """Empty when it isn't told."""
    raw = reading.raw if reading else {}
    found = raw.get("firmware_version") or raw.get("scsi_revision") or ""
    return str(found)


def sectors(reading: SmartReading | None) -> str:
    """`4,096-byte sectors`, with the logical size where that differs; empty when unknown."""
    raw = reading.raw if reading else {}
    logical, physical = raw.get("logical_block_size"), raw.get("physical_block_size")
    if not isinstance(logical, int):
        return ""
    if isinstance(physical, int) and physical != logical:
        return f"{physical:,}-byte sectors ({logical:,} emulated)"
    return f"{logical:,}-byte sectors"


def _values(reading: SmartReading | None) -> dict[str, Value]:
    if reading is None:
        return {}
    found = {f"{value.name} {value.note}": value for value in _all(reading.raw)}
    if not found:
        # Old readings are kept without their report.
        for name, count in reading.counters.items():
            words = name.replace("_", " ").capitalize()
            found[f"{words} "] = Value(words, "", "", True, count)
    return found


def _all(raw: dict[str, Any]) -> Iterator[Value]:
    table = _get(raw, "ata_smart_attributes", "table")
    for row in table if isinstance(table, list) else []:
        if value := _ata(row):
            yield value
    log = raw.get("nvme_smart_health_information_log")
    for key, (name, unit, bad) in NVME.items():
        number = _whole(_get(log, key))
        if number is not None:
            if unit == "units":
                number, unit = number * NVME_UNIT, "bytes"
            yield Value(name, "", unit, bad, number)
    yield from _sas(raw)


def _ata(row: Any) -> Value | None:
    number, raw = _whole(_get(row, "id")), _whole(_get(row, "raw", "value"))
    normal = _whole(_get(row, "value"))
    if number is None:
        return None
    own = str(_get(row, "name") or "Attribute").replace("_", " ")
    name, unit, bad = ATA.get(number, (own, "", False))
    note = str(number)
    if unit == "norm" or (raw is not None and raw >= BIGGEST_COUNT and unit in {"", "h"}):
        return None if normal is None else Value(name, f"{note}, normalised", "", False, normal)
    if raw is None:
        return None
    match unit:
        case "packed":
            # Three 16-bit counts in one: all, over 5 s, over 7.5 s.
            return Value(name, note, "", bad, raw & 0xFFFF if raw >= BIGGEST_COUNT else raw)
        case "packed h":
            return Value(name, note, "h", bad, raw & 0xFFFFFFFF)
        case "°C":
            return Value(name, note, unit, bad, raw & 0xFF)
        case "sectors":
            return Value(name, note, "bytes", bad, raw * SECTOR_UNIT)
    return Value(name, note, unit, bad, raw)


def _sas(raw: dict[str, Any]) -> Iterator[Value]:
    defects = _whole(raw.get("scsi_grown_defect_list"))
    if defects is None and "scsi_error_counter_log" not in raw:
        return
    if defects is not None:
        yield Value("Grown defects", "", "", True, defects)
    for kind in ("read", "write", "verify"):
        row = _get(raw, "scsi_error_counter_log", kind)
        for key, name, bad in (
            ("total_uncorrected_errors", f"Uncorrected {kind} errors", True),
            ("total_errors_corrected", f"Corrected {kind} errors", False),
        ):
            number = _whole(_get(row, key))
            if number is not None:
                yield Value(name, "", "", bad, number)
    hours = _whole(_get(raw, "power_on_time", "hours"))
    if hours is not None:
        yield Value("Power-on hours", "", "h", False, hours)
    celsius = _whole(_get(raw, "temperature", "current"))
    if celsius:
        yield Value("Temperature", "", "°C", False, celsius)
    cycles = raw.get("scsi_start_stop_cycle_counter")
    for key, name in (
        ("accumulated_start_stop_cycles", "Starts and stops"),
        ("accumulated_load_unload_cycles", "Load cycles"),
    ):
        number = _whole(_get(cycles, key))
        if number is not None:
            yield Value(name, "", "", False, number)


def _get(source: Any, *path: str) -> Any:
    for name in path:
        source = source.get(name) if isinstance(source, dict) else None
    return source


def _whole(value: Any) -> int | None:
    usable = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if usable else None
