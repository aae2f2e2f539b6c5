"""Temperatures that the kernel measures by itself: reading one is a file, and wakes no smartctl.

Linux has them of NVMe drives, and of SATA drives where the module drivetemp is loaded.
"""

from __future__ import annotations

import glob
import sys

from .identity import Identity, sysfs


def celsius(drive: Identity) -> int | None:
    """°C of a disk now, as its sensor says; None where the kernel has none of it."""
    if drive.kind != "disk" or not sys.platform.startswith("linux"):
        return None
    home = glob.escape(sysfs(drive.node))
    for pattern in ("/device/hwmon/hwmon*", "/device/hwmon*", "/device/device/hwmon/hwmon*"):
        for file in sorted(glob.glob(home + pattern + "/temp1_input")):
            try:
                with open(file, encoding="ascii") as sensor:
                    return round(int(sensor.read()) / 1000)
            except (OSError, ValueError):
                continue
    return None
