"""All settings, read from the environment; docs/settings.md tells what each does."""

from __future__ import annotations

import base64
import ipaddress
import secrets

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from reconsoc import embedded
from reconsoc.env import BASE_DIR, data_dir, env_bool, env_int, env_list, env_text, kept_secret

DATA_DIR = data_dir()
HOST = env_text("RECONSOC_HOST", "127.0.0.1")
PORT = env_int("RECONSOC_PORT", 8000, low=1, high=65535)
WORKERS = env_int("RECONSOC_WORKERS", 2, low=1, high=64)
HTTPS = env_bool("RECONSOC_HTTPS")
DEBUG = env_bool("RECONSOC_DEBUG")

SECRET_KEY = kept_secret("RECONSOC_SECRET_KEY", DATA_DIR / "secret_key", secrets.token_urlsafe(48))
# "ID:BASE64" pairs of 32-byte keys; the first encrypts, all of them decrypt
ENCRYPTION_KEYS = kept_secret(
    "RECONSOC_ENCRYPTION_KEYS",
    DATA_DIR / "encryption_keys",
    f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
)
ALLOWED_HOSTS = env_list("RECONSOC_ALLOWED_HOSTS", f"localhost,127.0.0.1,[::1],{HOST}")
CSRF_TRUSTED_ORIGINS = env_list("RECONSOC_TRUSTED_ORIGINS")
TRUSTED_PROXIES = env_int("RECONSOC_TRUSTED_PROXIES", 0, low=0, high=10)

# The outside world


def _networks(name: str, default: str = "") -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    try:
        return tuple(ipaddress.ip_network(item, strict=False) for item in env_list(name, default))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}") from error


DNS_SERVER = env_text("RECONSOC_DNS_SERVER")
ALLOW_TEST_NETWORKS = env_bool("RECONSOC_ALLOW_TEST_NETWORKS")
OWN_NETWORKS = _networks("RECONSOC_OWN_NETWORKS")
PROVIDER_NETWORKS = _networks("RECONSOC_PROVIDER_NETWORKS")
SIMULATED = env_bool("RECONSOC_SIMULATED")

# Investigations

GROUPING_WINDOW = env_int("RECONSOC_GROUPING_HOURS", 24, low=1, high=24 * 90) * 3600
INVESTIGATION_DEADLINE = env_int("RECONSOC_DEADLINE_SECONDS", 60, low=5, high=3600)
LEASE_SECONDS = 30
MAX_LOOKUPS = env_int("RECONSOC_MAX_LOOKUPS", 200, low=1, high=2000)
RECHECK_AFTER = env_int("RECONSOC_RECHECK_HOURS", 24, low=1, high=24 * 90) * 3600
MAX_ATTEMPTS = 3
MAX_BODY = env_int("RECONSOC_MAX_BODY_MIB", 32, low=1, high=1024) * 1024 * 1024
MAX_BACKLOG = env_int("RECONSOC_MAX_BACKLOG", 50_000, low=1, high=10_000_000)

# Django

ROOT_URLCONF = "reconsoc.urls"
WSGI_APPLICATION = "reconsoc.wsgi.application"
AUTH_USER_MODEL = "investigations.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "investigations",
    "allauth",
    "allauth.account",
    "django_htmx",
    "django_rq",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",
    "netfields",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "investigations.middleware.PersonMiddleware",
]
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
                "investigations.views.context.shell",
            ],
            "builtins": ["investigations.templatetags.investigations"],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

_addresses = embedded.running(DATA_DIR)
DATABASE_URL = env_text("DATABASE_URL", _addresses.database_url if _addresses else "")
REDIS_URL = env_text("REDIS_URL", _addresses.redis_url if _addresses else "")


def _database(url: str) -> dict[str, object]:
    """Django's settings from a libpq URL; anything libpq understands may stand in its query."""
    try:
        parts = conninfo_to_dict(url or "postgresql:///reconsoc?host=/nonexistent")
    except ProgrammingError as error:
        raise ImproperlyConfigured(f"DATABASE_URL: {error}") from error
    known = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    settings: dict[str, object] = {known[key]: str(value) for key, value in parts.items() if key in known}
    settings["OPTIONS"] = {key: value for key, value in parts.items() if key not in known}
    return settings


DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        **_database(DATABASE_URL),
    }
}
RQ_QUEUES = {
    "investigations": {
        "URL": REDIS_URL or "unix:///nonexistent/valkey.sock",
        "SERIALIZER": "rq.serializers.JSONSerializer",
        "DEFAULT_TIMEOUT": 300,
        # A hint that cannot be given in a second is not worth waiting for: the sweeper finds the work anyway
        "REDIS_CLIENT_KWARGS": {"socket_timeout": 30, "socket_connect_timeout": 1},
    }
}
RQ = {"COMMIT_MODE": "auto", "JOB_CLASS": "investigations.jobs.AllowedJob"}

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# People

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AUTH_PASSWORD_VALIDATORS[1]["OPTIONS"] = {"min_length": 10}  # type: ignore[assignment]
ACCOUNT_ADAPTER = "investigations.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "queue"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "reconsoc-session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "reconsoc-csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True

# Safety of pages

SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
    "base-uri": [CSP.NONE],
}
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # asked from inside, without the proxy
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS and TRUSTED_PROXIES else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500

# Words, times, files

LANGUAGE_CODE = "en-gb"
USE_TZ = True
TIME_ZONE = env_text("RECONSOC_TIME_ZONE", "UTC")  # of pages, until the browser has told its own; stored times are UTC
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

# Logs: one JSON object a line, so that nothing hostile can forge a line or reach a terminal

_shared: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
structlog.configure(
    processors=[*_shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": "structlog.stdlib.ProcessorFormatter",
            "foreign_pre_chain": _shared,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": env_text("RECONSOC_LOG_LEVEL", "WARNING")},
    "loggers": {"django.server": {"handlers": ["console"], "level": "WARNING", "propagate": False}},
}
