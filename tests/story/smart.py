"""What smartctl tells of a made-up drive: ATA, SAS, NVMe."""

from __future__ import annotations

from typing import Any

#: id, name, normalised, raw: a healthy ATA hard disk.
ATA = (
    (1, "Raw_Read_Error_Rate", 82, 166_452_776),
    (3, "Spin_Up_Time", 92, 0),
    (4, "Start_Stop_Count", 100, 24),
    (5, "Reallocated_Sector_Ct", 100, 0),
    (7, "Seek_Error_Rate", 76, 38_654_705_664),
    (9, "Power_On_Hours", 98, 21_180),
    (10, "Spin_Retry_Count", 100, 0),
    (12, "Power_Cycle_Count", 100, 22),
    (18, "Head_Health", 100, 0),
    (187, "Reported_Uncorrect", 100, 0),
    (188, "Command_Timeout", 100, 0),
    (189, "High_Fly_Writes", 98, 2),
    (190, "Airflow_Temperature_Cel", 62, 38),
    (192, "Power-Off_Retract_Count", 100, 17),
    (193, "Load_Cycle_Count", 100, 412),
    (194, "Temperature_Celsius", 38, 38),
    (195, "Hardware_ECC_Recovered", 82, 166_452_776),
    (197, "Current_Pending_Sector", 100, 0),
    (198, "Offline_Uncorrectable", 100, 0),
    (199, "UDMA_CRC_Error_Count", 200, 0),
    (240, "Head_Flying_Hours", 100, 21_044),
    (241, "Total_LBAs_Written", 100, 150_331_440_128),
    (242, "Total_LBAs_Read", 100, 301_662_880_256),
)


def ata(serial: str, model: str, celsius: int, **raised: int) -> dict[str, Any]:
    """raised: `id5=12` puts the raw value of attribute 5 at 12."""
    values = {int(name.removeprefix("id")): raw for name, raw in raised.items()}
    table = [
        {
            "id": number,
            "name": name,
            "value": normal,
            "worst": normal,
            "thresh": 10 if number == 5 else 0,
            "when_failed": "",
            "raw": {"value": (now := values.get(number, raw)), "string": str(now)},
        }
        for number, name, normal, raw in ATA
    ]
    return _common(serial, model, "ATA", celsius, values.get(9, 21_180)) | {
        "rotation_rate": 7200,
        "ata_smart_attributes": {"table": table},
    }


def sas(serial: str, model: str, celsius: int, hours: int, defects: int = 0) -> dict[str, Any]:
    counts = {
        "errors_corrected_by_eccfast": 0,
        "errors_corrected_by_eccdelayed": 4,
        "errors_corrected_by_rereads_rewrites": 0,
        "total_errors_corrected": 4,
        "correction_algorithm_invocations": 4,
        "gigabytes_processed": "16002.331",
        "total_uncorrected_errors": 0,
    }
    return _common(serial, model, "SCSI", celsius, hours) | {
        "rotation_rate": 7200,
        "scsi_grown_defect_list": defects,
        "scsi_error_counter_log": {"read": counts, "write": counts | {"total_errors_corrected": 0}},
    }


def nvme(serial: str, model: str, celsius: int, hours: int, used: int = 3) -> dict[str, Any]:
    return _common(serial, model, "NVMe", celsius, hours) | {
        "nvme_smart_health_information_log": {
            "critical_warning": 0,
            "temperature": celsius,
            "available_spare": 100,
            "available_spare_threshold": 10,
            "percentage_used": used,
            "data_units_read": 6_932_144,
            "data_units_written": 16_093_122,
            "host_reads": 29_878_811,
            "host_writes": 17_533_252,
            "controller_busy_time": 305,
            "power_cycles": 14,
            "power_on_hours": hours,
            "unsafe_shutdowns": 4,
            "media_errors": 0,
            "num_err_log_entries": 0,
            "warning_temp_time": 0,
            "critical_comp_time": 0,
        }
    }


def _common(serial: str, model: str, protocol: str, celsius: int, hours: int) -> dict[str, Any]:
    return {
        "smartctl": {"version": [7, 4], "exit_status": 0},
        "device": {"name": "/dev/sda", "protocol": protocol},
        "model_name": model,
        "serial_number": serial,
        "firmware_version": "SN02",
        "logical_block_size": 512,
        "physical_block_size": 4096,
        "smart_status": {"passed": True},
        "temperature": {"current": celsius},
        "power_on_time": {"hours": hours},
    }


def log_entry(type: str, hours: int, outcome: str = "passed", text: str = "") -> dict[str, Any]:
    """A line of the self-test log as drives.smart understands it."""
    words = {"passed": "Completed without error", "aborted": "Aborted by host"}
    return {
        "type": type,
        "outcome": outcome,
        "hours": hours,
        "text": text or words.get(outcome, "Completed: read failure"),
        "lba": None,
    }
