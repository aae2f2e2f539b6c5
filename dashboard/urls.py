"""The dashboard's addresses. Each view behind them declares the role it takes (roles.py)."""

from __future__ import annotations

from django.urls import include, path, register_converter

from .api import v1
from .views import (
    accounts,
    adding,
    audit,
    batch,
    drive_menu,
    drives,
    freeze,
    health,
    history,
    home,
    jobs,
    reports,
    settings,
    start,
    stats,
    systems,
    tokens,
)


class SelfTestType:
    """short or long; anything else is no address of ours."""

    regex = "short|long"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(SelfTestType, "selftest")

urlpatterns = [
    path("", home.home, name="home"),
    path("table", home.table, name="table"),
    path("drives/<int:drive_id>", drives.drive, name="drive"),
    path("drives/<int:drive_id>/start", start.start, name="start"),
    path("drives/<int:drive_id>/guard", start.guard, name="guard"),
    path("drives/<int:drive_id>/menu", drive_menu.menu, name="drive_menu"),
    path("drives/<int:drive_id>/edit", drive_menu.edit, name="edit_drive"),
    path(
        "drives/<int:drive_id>/self-test/<selftest:type>",
        drive_menu.start_self_test,
        name="start_self_test",
    ),
    path(
        "drives/<int:drive_id>/self-test/<selftest:type>/cancel",
        drive_menu.cancel_self_test,
        name="cancel_self_test",
    ),
    path("batch", batch.burn_in, name="batch"),
    path("batch/verdicts", batch.verdicts, name="batch_verdicts"),
    path("batch/self-test/<selftest:type>", batch.self_test, name="batch_self_test"),
    path("freeze", freeze.freeze, name="freeze"),
    path("thaw", freeze.thaw, name="thaw"),
    path("jobs/acknowledge", jobs.acknowledge, name="acknowledge"),
    path("jobs/cancel-all", jobs.cancel_all, name="cancel_all"),
    path("jobs/<int:job_id>/pause", drive_menu.pause, name="pause"),
    path("jobs/<int:job_id>/resume", drive_menu.resume, name="resume"),
    path("jobs/<int:job_id>/cancel", jobs.cancel, name="cancel"),
    path("history", history.history, name="history"),
    path("history.csv", history.history_csv, name="history_csv"),
    path("history/<int:job_id>", reports.job, name="job"),
    path("history/<int:job_id>/print", reports.sheet, name="print"),
    path("history/<int:job_id>/report.json", reports.as_json, name="job_json"),
    path("history/<int:job_id>/report.csv", reports.as_csv, name="job_csv"),
    path("history/<int:job_id>/surface.csv", reports.surface_csv, name="surface_csv"),
    path("stats", stats.stats, name="stats"),
    path("audit", audit.audit, name="audit"),
    path("audit.csv", audit.audit_csv, name="audit_csv"),
    path("audit.json", audit.audit_json, name="audit_json"),
    path("systems", systems.systems, name="systems"),
    path("systems/add", adding.add, name="system_add"),
    path("systems/try/<str:step>", adding.try_step, name="system_try"),
    path("systems/<int:system_id>/edit", adding.edit, name="system_edit"),
    path("systems/<int:system_id>/check", systems.check, name="system_check"),
    path("systems/<int:system_id>/pause", systems.pause, name="system_pause"),
    path("systems/<int:system_id>/resume", systems.resume, name="system_resume"),
    path("systems/<int:system_id>/remove", systems.remove, name="system_remove"),
    path("systems/<int:system_id>/host-key", systems.host_key, name="system_host_key"),
    path("settings", settings.settings_page, name="settings"),
    path("settings/report", settings.report_preview, name="report_preview"),
    path("settings/test/<str:what>", settings.test, name="settings_test"),
    path("settings/unsent/<int:delivery_id>/again", settings.send_again, name="send_again"),
    path("login", accounts.log_in, name="login"),
    path("logout", accounts.log_out, name="logout"),
    path("setup", accounts.setup, name="setup"),
    path("profile", accounts.profile, name="profile"),
    path("profile/tokens", tokens.own_tokens, name="tokens"),
    path("profile/tokens/<int:token_id>/revoke", tokens.revoke, name="revoke_token"),
    path("api/v1/", include((v1.urls(), "ninja"), namespace="api")),
    path("metrics", health.metrics, name="metrics"),
    path("health/live", health.alive, name="alive"),
    path("health/ready", health.ready, name="ready"),
]
