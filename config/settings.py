"""All settings, fed from the environment. `docs/operations.md` explains each one.

Three modes. Demo (`SPRECHSTUNDE_MODE=demo`, what `make run` sets) and test fill in harmless
defaults; production, the default, refuses to start while anything it needs is missing and says
what.
"""

import sys
from base64 import urlsafe_b64encode
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import environ
from cryptography.fernet import Fernet
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config import embedded_db
from config.database import WatchedConnection

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

MODE = env.str("SPRECHSTUNDE_MODE", default="production")
if MODE not in {"production", "demo", "test"}:
    raise ImproperlyConfigured(f"SPRECHSTUNDE_MODE is {MODE!r}; use production, demo or test.")
DEMO = MODE == "demo"
PRODUCTION = MODE == "production"

_missing: list[str] = []


def _required(name: str, *, outside_production: str) -> str:
    """The environment's value; outside production the given harmless stand-in."""
    value: str = env.str(name, default="" if PRODUCTION else outside_production).strip()
    if not value:
        _missing.append(name)
    return value


def _required_list(name: str, *, outside_production: str) -> list[str]:
    """The same for several values between commas; commas and blanks alone are none."""
    values = [value.strip() for value in _required(name, outside_production=outside_production).split(",")]
    values = [value for value in values if value]
    if not values and name not in _missing:
        _missing.append(name)
    return values


# --- Secrets -------------------------------------------------------------------------------
SECRET_KEY = _required("SECRET_KEY", outside_production="outside production nothing is secret: " + MODE)
# Keys of the encrypted fields, newest first, comma-separated; the first one encrypts.
FIELD_KEYS = _required_list(
    "FIELD_KEYS", outside_production=urlsafe_b64encode(sha256(b"outside production").digest()).decode()
)
# Key of the blind indexes. Never rotated without re-indexing, so it is separate.
INDEX_KEY = _required("INDEX_KEY", outside_production="outside production: index")

# --- Hosts ---------------------------------------------------------------------------------
ALLOWED_HOSTS = _required_list("ALLOWED_HOSTS", outside_production="localhost,127.0.0.1,testserver")
# The address people reach us under: SMS links and webhook signatures are built from it, never
# from a request's Host header.
PUBLIC_URL = _required("PUBLIC_URL", outside_production="http://localhost:8000").rstrip("/")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

# --- Database ------------------------------------------------------------------------------
# Two roles: the web and the worker sign in as the application role; migrations run as the owner
# (`SPRECHSTUNDE_DB_ROLE=owner manage.py migrate`).
DB_ROLE = env.str("SPRECHSTUNDE_DB_ROLE", default="app")
APP_DB_ROLE = env.str("APP_DB_ROLE", default="sprechstunde_app")
_database_name = "DATABASE_OWNER_URL" if DB_ROLE == "owner" else "DATABASE_URL"
_database_url = _required(
    _database_name,
    outside_production=""
    if PRODUCTION
    else embedded_db.cluster("test" if MODE == "test" else "run").url(DB_ROLE),
)

if _missing:
    raise ImproperlyConfigured(
        "Sprechstunde cannot start in production. Missing in the environment: "
        + ", ".join(_missing)
        + ". docs/operations.md says what each is for."
    )

# A mistyped key would first be noticed by whoever enters the first client.
for _key in FIELD_KEYS:
    try:
        Fernet(_key)
    except ValueError:
        raise ImproperlyConfigured(
            "FIELD_KEYS holds something that is not a key. docs/operations.md says how to make one."
        ) from None

# SQLite and others cannot keep the promises, and would only say so with the first table.
if not _database_url.startswith(("postgres://", "postgresql://")):
    raise ImproperlyConfigured(
        f"{_database_name} is no address of a PostgreSQL database. See docs/operations.md."
    )
_database = environ.Env.db_url_config(_database_url, engine="django.db.backends.postgresql")
_options = _database.get("OPTIONS", {})
# Away is known within seconds (config/errors.py answers 503), and so is being back.
_options |= {"connect_timeout": 3, "application_name": "sprechstunde"}
# Values travel apart from the statement, and the server plans what it has seen five times only once.
# A connection pooler between us and PostgreSQL must know prepared statements (PgBouncer from 1.21 on).
_options |= {"server_side_binding": True, "prepare_threshold": 5}
_pool_size = env.int("DB_POOL_SIZE", default=0 if MODE == "test" else 40)
if _pool_size:
    # Under ASGI each request has a thread of its own, and a connection would die with it: the pool
    # outlives them. A burst waits for a connection for `timeout` seconds; giving up early on a lost
    # server lets the next request try anew at once.
    _options["pool"] = {
        "min_size": 1,
        "max_size": _pool_size,
        "timeout": 4,
        "reconnect_timeout": 2,
        "connection_class": WatchedConnection,
    }
DATABASES = {
    "default": {
        **_database,
        "HOST": _database["HOST"] or _options.pop("host", ""),
        "OPTIONS": _options,
        "CONN_HEALTH_CHECKS": True,  # a connection lost to a restart is replaced, not shown to anyone
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Application ---------------------------------------------------------------------------
INSTALLED_APPS = [
    "consultations",
    "scheduling",
    "notifications",
    "clients",
    "accounts",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.forms",  # its widget templates, found by our form renderer
    "channels",
    "schedule",
    "procrastinate.contrib.django",
    "django_otp",
    "axes",
    "csp",
    "django_htmx",
    "phonenumber_field",
    "template_partials",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "accounts.middleware.LocaleMiddleware",
    "accounts.middleware.AccessMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
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
                "csp.context_processors.nonce",
                "accounts.context_processors.house",
            ],
            "builtins": [
                "template_partials.templatetags.partials",
                "accounts.templatetags.when",
                "accounts.templatetags.kern",
                "accounts.templatetags.lists",
            ],
        },
    }
]
FORM_RENDERER = "accounts.forms_kern.KernRenderer"

# --- Who may enter -------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["username", "name", "email"]},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "accounts:sign_in"
LOGIN_REDIRECT_URL = "/"
# A wrong password locks the account in one place (accounts/known_devices.py), never the whole office
# behind one address, and never the desk where the account's owner works.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = ["username"]
AXES_USERNAME_CALLABLE = "accounts.known_devices.axes_name"
AXES_LOCKOUT_CALLABLE = "accounts.views.sign_in.locked_out"
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # the page says how long, and that holds
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "accounts.known_devices.no_address"
AXES_DISABLE_ACCESS_LOG = True  # the audit trail has it
AXES_VERBOSE = False
# Changing address, browser or cookie does not help: all unknown places share one lock.
SILENCED_SYSTEM_CHECKS = ["axes.W006"]

SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
# Seconds without any request after which a signed-in person is signed out (with a warning first).
IDLE_TIMEOUT_SECONDS = env.int("IDLE_TIMEOUT_SECONDS", default=30 * 60)

# --- Transport -----------------------------------------------------------------------------
_https = PUBLIC_URL.startswith("https://")
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]  # the monitor asks from inside, without the proxy
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=PRODUCTION) else None
)
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION or _https
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
FILE_UPLOAD_HANDLERS = ["config.uploads.SmallFiles"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # KERN's icons are data: images
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- Language and time ---------------------------------------------------------------------
LANGUAGE_CODE = "de"  # the source strings are German; `locale/en` holds the English
LANGUAGES = [("de", "Deutsch"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
# Directories with a file for each language clients read; of two files of one name the last one counts.
CLIENT_LANGUAGES = [BASE_DIR / "languages", *env.list("CLIENT_LANGUAGES", default=[])]
USE_TZ = True
TIME_ZONE = "Europe/Berlin"  # of processes; pages use the district's own zone

# --- Static files --------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static" if PRODUCTION else None
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        # Production serves what `collectstatic` gathered, under names that change with the content.
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("kern", BASE_DIR / "node_modules" / "@kern-ux" / "native" / "dist"),
]

# --- E-mail to staff and pools -------------------------------------------------------------
# Any SMTP server: smtp://user:password@host:port, smtp+tls:// for STARTTLS, smtp+ssl:// for TLS from the
# first byte. Empty: no e-mail at all; the bell in the browser still tells.
EMAIL_URL = env.str("EMAIL_URL", default="")
_mail = env.email_url_config(EMAIL_URL) if EMAIL_URL else {"EMAIL_HOST": ""}
EMAIL_HOST, EMAIL_PORT = _mail["EMAIL_HOST"] or "", _mail.get("EMAIL_PORT") or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = (
    _mail.get("EMAIL_HOST_USER") or "",
    _mail.get("EMAIL_HOST_PASSWORD") or "",
)
EMAIL_USE_TLS, EMAIL_USE_SSL = bool(_mail.get("EMAIL_USE_TLS")), bool(_mail.get("EMAIL_USE_SSL"))
EMAIL_TIMEOUT = 15  # seconds for each answer of the server
# Who invitations come from: a neutral name and an address of the office that somebody reads.
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="Terminplanung <termine@localhost>")

# --- Messages to clients -------------------------------------------------------------------
# Which class delivers SMS: console (shown on the demo's phone page), memory (tests), twilio, or the
# dotted path of a district's own; and which one e-mail (empty: none is sent).
SMS_BACKEND = env.str("SMS_BACKEND", default="twilio" if PRODUCTION else "console")
MAIL_BACKEND = env.str("MAIL_BACKEND", default="smtp" if EMAIL_URL else "")
TWILIO_ACCOUNT_SID = env.str("TWILIO_ACCOUNT_SID", default="")
TWILIO_AUTH_TOKEN = env.str("TWILIO_AUTH_TOKEN", default="")
TWILIO_SENDER = env.str("TWILIO_SENDER", default="")
TWILIO_REGION = env.str("TWILIO_REGION", default="")
TWILIO_EDGE = env.str("TWILIO_EDGE", default="")
# "discard" and "obfuscate" where the account allows it. Twilio's list then says nothing about what it
# accepted, so an attempt without an answer is settled by the status callback alone.
TWILIO_CONTENT_RETENTION = env.str("TWILIO_CONTENT_RETENTION", default="")
TWILIO_ADDRESS_RETENTION = env.str("TWILIO_ADDRESS_RETENTION", default="")
# What one sender may send; ten for an alphanumeric one.
SMS_SEGMENTS_PER_SECOND = env.float("SMS_SEGMENTS_PER_SECOND", default=10)
# Another address for the gateway's API; the tests' local server.
TWILIO_API_URL = env.str("TWILIO_API_URL", default="")

PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "tasks"

# --- Logging: paths, never bodies, names or query strings ------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "filters": {"secrets": {"()": "config.logs.HideSecretPaths"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "stream": sys.stderr,
            "formatter": "line",
            "filters": ["secrets"],
        }
    },
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="WARNING")},
}
