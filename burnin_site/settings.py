"""All settings, from the environment or `.env`; `.env.example` lists them with their defaults."""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ImproperlyConfigured
from kombu import Exchange, Queue

from . import env

# The database holds the sessions of admins: what this program writes is for its own user alone.
os.umask(0o077)
BASE_DIR = Path(__file__).resolve().parent.parent
env.read_env_file(BASE_DIR)

# --- where things are -------------------------------------------------------------------------
DB_PATH = Path(env.text("DB_PATH", str(BASE_DIR / "var" / "app.db"))).absolute()
DATA_DIR = DB_PATH.parent
SECRET_KEY = env.kept_secret_key(DATA_DIR / "secret_key")

# --- web --------------------------------------------------------------------------------------
APP_HOST = env.text("APP_HOST", "0.0.0.0")
APP_PORT = env.whole("APP_PORT", 8080, 1, 65535)
APP_URL = env.url("APP_URL", f"http://localhost:{APP_PORT}", {"http", "https"})
_app = urlsplit(APP_URL)
DEBUG = False
ALLOWED_HOSTS = sorted({_app.hostname or "localhost", "localhost", "127.0.0.1", "[::1]"})
CSRF_TRUSTED_ORIGINS = [f"{_app.scheme}://{_app.netloc}"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _app.scheme == "https"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

ALLOWED_IPS = env.networks("ALLOWED_IPS")
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
ADMIN_USER = env.text("ADMIN_USER")
ADMIN_PASSWORD = env.text("ADMIN_PASSWORD")
if bool(ADMIN_USER) != bool(ADMIN_PASSWORD):
    raise ImproperlyConfigured("ADMIN_USER and ADMIN_PASSWORD go together: set both or none")

# --- the first system -------------------------------------------------------------------------
TRUENAS_BASE_URL = env.url("TRUENAS_BASE_URL", "", {"http", "https"})
TRUENAS_API_KEY = env.text("TRUENAS_API_KEY", "mock-key")
TRUENAS_VERIFY_TLS = env.truth("TRUENAS_VERIFY_TLS", True)
TRUENAS_ALLOW_HTTP = env.truth("TRUENAS_ALLOW_HTTP", False)
TRUENAS_SSH_HOST = env.text("TRUENAS_SSH_HOST", urlsplit(TRUENAS_BASE_URL).hostname or "")
TRUENAS_SSH_PORT = env.whole("TRUENAS_SSH_PORT", 22, 1, 65535)
TRUENAS_SSH_USER = env.text("TRUENAS_SSH_USER", "root")
TRUENAS_SSH_KEY_FILE = env.text("TRUENAS_SSH_KEY_FILE")
TRUENAS_SSH_HOST_KEY = env.text("TRUENAS_SSH_HOST_KEY")
TRUENAS_SSH_STATE_DIR = env.text("TRUENAS_SSH_STATE_DIR", "/root/.burnin")

# --- behaviour --------------------------------------------------------------------------------
POLL_INTERVAL_SECONDS = env.whole("POLL_INTERVAL_SECONDS", 12, 1, 3600)
STALE_THRESHOLD_SECONDS = env.whole("STALE_THRESHOLD_SECONDS", 45, 2, 86400)
SMART_INTERVAL_SECONDS = env.whole("SMART_INTERVAL_SECONDS", 60, 1, 3600)
MAX_PARALLEL_BURNINS = env.whole("MAX_PARALLEL_BURNINS", 2, 1, 1000)
SURFACE_PASSES = env.whole("SURFACE_PASSES", 2, 1, 16)
SURFACE_RATE_LIMIT_MBPS = env.whole("SURFACE_RATE_LIMIT_MBPS", 0, 0, 100_000)
TEMP_START_MAX_C = env.whole("TEMP_START_MAX_C", 50, 20, 100)
TEMP_PAUSE_C = env.whole("TEMP_PAUSE_C", 55, 20, 100)
TEMP_RESUME_C = env.whole("TEMP_RESUME_C", 48, 20, 100)
TEMP_ABORT_C = env.whole("TEMP_ABORT_C", 62, 20, 110)
if not TEMP_START_MAX_C <= TEMP_PAUSE_C:
    raise ImproperlyConfigured("TEMP_START_MAX_C must not be above TEMP_PAUSE_C")
if not TEMP_RESUME_C < TEMP_PAUSE_C < TEMP_ABORT_C:
    raise ImproperlyConfigured("TEMP_RESUME_C < TEMP_PAUSE_C < TEMP_ABORT_C must hold")
STUCK_JOB_HOURS = env.number("STUCK_JOB_HOURS", 24, 0.01, 24 * 365)
# By how much a SMART counter may rise during a burn-in, as udma_crc_errors=5; others by nothing.
COUNTER_RISES_ALLOWED = env.listed("COUNTER_RISES_ALLOWED")
SELF_TESTS_REQUIRED = env.truth("SELF_TESTS_REQUIRED", True)
# Of the mock's simulated drives; checked here so that a bad value is refused by its name.
SURFACE_VALIDATE_SECONDS = env.number("SURFACE_VALIDATE_SECONDS", 45, 0.1, 86400)
IO_VALIDATE_SECONDS = env.number("IO_VALIDATE_SECONDS", 25, 0.1, 86400)

# --- notifications ----------------------------------------------------------------------------
SMTP_HOST = env.text("SMTP_HOST")
SMTP_MODE = env.choice("SMTP_MODE", "starttls", {"starttls", "ssl", "plain"})
SMTP_PORT = env.whole("SMTP_PORT", 587, 1, 65535)  # ignored: the mode sets it
SMTP_USER = env.text("SMTP_USER")
SMTP_PASSWORD = env.text("SMTP_PASSWORD")
SMTP_FROM = env.text("SMTP_FROM")
SMTP_TO = env.listed("SMTP_TO")
SMTP_DAILY_REPORT = env.truth("SMTP_DAILY_REPORT", True)
SMTP_REPORT_HOUR = env.whole("SMTP_REPORT_HOUR", 8, 0, 23)
SMTP_ALERT_ON_FAIL = env.truth("SMTP_ALERT_ON_FAIL", True)
SMTP_ALERT_ON_PASS = env.truth("SMTP_ALERT_ON_PASS", False)
WEBHOOK_URL = env.url("WEBHOOK_URL", "", {"http", "https"})
WEBHOOK_SECRET = env.text("WEBHOOK_SECRET")
WEBHOOK_EVENTS = env.listed("WEBHOOK_EVENTS", "burnin_passed,burnin_failed,burnin_unknown")
WEBHOOK_ALLOW_LOCAL = env.truth("WEBHOOK_ALLOW_LOCAL", False)
APPRISE_URLS = env.listed("APPRISE_URLS")
APPRISE_EVENTS = env.listed("APPRISE_EVENTS", "burnin_passed,burnin_failed,burnin_unknown")
NOTIFY_QUIET_SYSTEMS = env.listed("NOTIFY_QUIET_SYSTEMS")
LIMITS = env.LIMITS

# --- Django -----------------------------------------------------------------------------------
INSTALLED_APPS = [
    "daphne",
    "burnin_site",  # its commands go before Django's of the same name
    "dashboard.admin_app.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "django_celery_beat",
    "django_htmx",
    "ninja",
    "axes",
    "config",
    "audit",
    "live",
    "drives",
    "burnin",
    "notifications",
    "dashboard",
]
MIDDLEWARE = [
    # Outermost: what the others answer by themselves, errors too, has these headers as well.
    "burnin_site.middleware.SafeHeaders",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "dashboard.roles.DeclaredRoles",
]
CSRF_FAILURE_VIEW = "dashboard.views.errors.csrf_failed"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dashboard.context.site",
            ]
        },
    }
]
ROOT_URLCONF = "burnin_site.urls"
ASGI_APPLICATION = "burnin_site.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login"
_validators = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_validators}.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": f"{_validators}.CommonPasswordValidator"},
    {"NAME": f"{_validators}.UserAttributeSimilarityValidator"},
    {"NAME": "dashboard.tokens.EndWithPassword"},
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "dashboard.roles.RoleBackend"]

# --- wrong passwords (dashboard/throttle.py) ---------------------------------------------------
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=10)
AXES_LOCKOUT_PARAMETERS = ["ip_address"]
AXES_CLIENT_IP_CALLABLE = "dashboard.throttle.counted_address"
AXES_USERNAME_CALLABLE = "dashboard.throttle.counted_name"
# Trying again while locked doesn't lock for longer; logging in with an own account in between
# doesn't forget the guesses at others.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = False
AXES_SENSITIVE_PARAMETERS = ["user", "old", "password", "again", "code", "csrfmiddlewaretoken"]
# The audit log tells who logged in.
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = AXES_VERBOSE = False
# The login page answers by itself; axes' middleware would replace that page by one of its own.
SILENCED_SYSTEM_CHECKS = ["axes.W002"]


def _sqlite() -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(DB_PATH),
        "OPTIONS": {
            # One writer at a time: take the lock at BEGIN, so that a transaction never fails
            # half-way with "database is locked", and wait for it instead of giving up.
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        },
    }


DATABASES = {"default": env.database("DATABASE_URL", _sqlite)}

# --- broker, channel layer, beat --------------------------------------------------------------
REDIS_URL = env.url("REDIS_URL", "redis://127.0.0.1:6379/0", {"redis", "rediss", "unix"})
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL]},
    }
}
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 10, "socket_connect_timeout": 5}
# A page that clicks while the broker is away gets its answer at once; the next poll makes good.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# A worker takes both queues; with -Q one worker each, where mail is to have a machine of its own.
CELERY_TASK_QUEUES = [
    Queue(name, Exchange(name), routing_key=name) for name in ("celery", "notifications")
]
CELERY_TASK_ROUTES = {"notifications.tasks.*": {"queue": "notifications"}}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
DJANGO_CELERY_BEAT_TZ_AWARE = True

# --- time and language ------------------------------------------------------------------------
USE_TZ = True
FORMAT_MODULE_PATH = "burnin_site.formats"
USE_I18N = False
TIME_ZONE = env.text("TZ", env.system_zone())
try:
    ZoneInfo(TIME_ZONE)
except (ZoneInfoNotFoundError, ValueError):
    raise ImproperlyConfigured(
        f"TZ={TIME_ZONE!r} is not a time zone, as Europe/Berlin is"
    ) from None

# --- static files -----------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "burnin_site.static_files.BundledStorage"},
}

# --- logs -------------------------------------------------------------------------------------
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"})
LOG_FORMAT = env.choice("LOG_FORMAT", "json", {"json", "console"})
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "burnin_site.logs.JsonLine"},
        "console": {"()": "burnin_site.logs.TextLine"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        # asyncssh tells each channel at INFO: two lines a poll.
        "asyncssh": {"level": "WARNING"},
        # At DEBUG they tell the addresses that they post to, which hold tokens.
        "apprise": {"level": "INFO"},
        "urllib3": {"level": "INFO"},
        # Of each task that it was sent, received and done: six lines a poll.
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        # Each failure is an audit event already.
        "axes": {"level": "ERROR"},
        "django.server": {"level": "WARNING"},
    },
}

#: As CHANGELOG.md has it.
VERSION = "0.1.0 (not released yet)"
HOSTNAME = socket.gethostname()
if TRUENAS_BASE_URL and not TRUENAS_SSH_KEY_FILE:
    raise ImproperlyConfigured("TRUENAS_BASE_URL is set, so TRUENAS_SSH_KEY_FILE is needed too")
if TRUENAS_SSH_KEY_FILE and not os.path.isfile(TRUENAS_SSH_KEY_FILE):
    raise ImproperlyConfigured(f"TRUENAS_SSH_KEY_FILE={TRUENAS_SSH_KEY_FILE} is not a file")
if TRUENAS_SSH_KEY_FILE and not TRUENAS_SSH_HOST_KEY:
    raise ImproperlyConfigured(
        "TRUENAS_SSH_HOST_KEY is empty: put the host’s public key there, as ssh-keyscan prints it"
    )
