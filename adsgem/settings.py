"""One settings file that starts with nothing. Scaling out is a change of variables, never of code; `.env.example` lists them all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from adsgem import __version__, env
from adsgem.csp import NONCE, SELF, UNSAFE_INLINE

env.read_file()
BASE_DIR = env.BASE_DIR
VERSION = __version__

# --- where things are
DATA_DIR = env.folder("ADSGEM_DATA", BASE_DIR / "data")
PUBLIC_URL = env.public_url("PUBLIC_URL", "http://127.0.0.1:8000").geturl()
SITE = urlsplit(PUBLIC_URL)
HTTPS = SITE.scheme == "https"
ADMIN_PATH = env.text("ADMIN_PATH", "admin/").strip("/") + "/"

# --- secrets
_SECRETS = env.secrets(
    DATA_DIR / "secrets.json",
    {"SECRET_KEY": env.token, "JWT_SIGNING_KEY": env.token, "ENCRYPTION_KEYS": env.encryption_key, "AUDIT_KEY": env.token},
)
SECRET_KEY = env.long_enough("SECRET_KEY", _SECRETS["SECRET_KEY"], 50)
JWT_SIGNING_KEY = env.long_enough("JWT_SIGNING_KEY", _SECRETS["JWT_SIGNING_KEY"], 32)
ENCRYPTION_KEYS = env.encryption_keys("ENCRYPTION_KEYS", _SECRETS["ENCRYPTION_KEYS"])  # the first one encrypts, all decrypt
AUDIT_KEY = env.long_enough("AUDIT_KEY", _SECRETS["AUDIT_KEY"], 32)  # binds the log of who did what; never changed, or the log looks forged
METRICS_TOKEN = env.text("METRICS_TOKEN")

# --- who may ask
DEBUG = env.flag("DEBUG")
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", (str(SITE.hostname),) if HTTPS else env.LOOPBACK_HOSTS, debug=DEBUG)
CSRF_TRUSTED_ORIGINS = [f"{SITE.scheme}://{SITE.netloc}"]

INSTALLED_APPS = [
    "adsgem",
    "accounts",
    "templates_app",
    "generations",
    "prompting",
    "comfy",
    "keeping",
    "studio",
    "staff",
    "api",
    "staff.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_celery_results",
]
MIDDLEWARE = [
    "adsgem.logs.RequestId",
    "django.middleware.security.SecurityMiddleware",
    "adsgem.csp.ContentSecurityPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "adsgem.sessions.SessionAge",
    "accounts.audit.RememberRequest",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.second_step.StaffDoor",
]
if env.flag("SHARED"):  # behind a tunnel, every page asks who is there
    MIDDLEWARE.insert(MIDDLEWARE.index("adsgem.sessions.SessionAge"), "django.contrib.auth.middleware.LoginRequiredMiddleware")
ROOT_URLCONF = "adsgem.urls"
WSGI_APPLICATION = "adsgem.wsgi.application"
ASGI_APPLICATION = "adsgem.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# --- database, cache, files
DATABASES = {"default": env.database("DATABASE_URL", DATA_DIR / "adsgem.sqlite3")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE: a transaction that read first would be refused at once on its first write, without waiting.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
else:
    # What the address says stays, such as ?sslmode=require.
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {"min_size": 1, "max_size": 8, "timeout": 10}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Nothing true lives in the cache: throttle counts and the like. So one process's memory is enough until there are several web processes.
CACHES = {"default": env.cache("CACHE_URL")}
# Except live previews: worker and web must both see them. Without a shared cache they are processes of one machine, which share its files.
CACHES["previews"] = (
    CACHES["default"]
    if env.text("CACHE_URL")
    else {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": str(env.private_folder(DATA_DIR / "previews")),
        "TIMEOUT": 120,
        "OPTIONS": {"MAX_ENTRIES": 500},
    }
)

MEDIA_ROOT = DATA_DIR / "media"
S3_BUCKET = env.text("S3_BUCKET")
S3_ENDPOINT_URL = env.address("S3_ENDPOINT_URL")
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "keeping.disk.DurableStorage", "OPTIONS": {"location": MEDIA_ROOT}},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
if S3_BUCKET:
    from botocore.config import Config as S3Config  # only where files are on S3

    INSTALLED_APPS.append("storages")
    STORAGES["default"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": S3_ENDPOINT_URL or None,
            "region_name": env.text("S3_REGION") or None,
            "access_key": env.text("S3_ACCESS_KEY_ID") or None,
            "secret_key": env.text("S3_SECRET_ACCESS_KEY") or None,
            "client_config": S3Config(
                signature_version="s3v4",
                s3={"addressing_style": "path" if S3_ENDPOINT_URL else "virtual"},
                # A store that does not answer must not hold a worker for minutes: the row waits, the worker goes on.
                connect_timeout=3,
                read_timeout=20,
                retries={"total_max_attempts": 2},
            ),
            "querystring_auth": True,
            "querystring_expire": 300,
            "default_acl": None,
            "file_overwrite": True,  # names are hashes: the same name is the same file
        },
    }

STATIC_URL = "/static/"
# Served from where they are: no step between an edit and the page, and nothing to wait for on the first start.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# --- limits (RELIABILITY: S-1, S-20)
MAX_UPLOAD_BYTES = 15 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_TEMP_DIR = env.private_folder(DATA_DIR / "tmp")
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
DATA_UPLOAD_MAX_NUMBER_FILES = 8

# --- people
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.CountedBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": f"{_VALIDATION}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator", "OPTIONS": {"user_attributes": ("email", "name")}},
    {"NAME": "accounts.passwords.NotTooLong"},
    {"NAME": "accounts.passwords.NotOfThisPlace"},
]
LOGIN_URL = "/account/sign-in/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
PASSWORD_RESET_TIMEOUT = 60 * 60

# allauth's flows in our house (docs/decisions/0008). Its limits count in the cache, per process: ours count in the database (accounts.tries).
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_RATE_LIMITS = MFA_RATE_LIMITS = False
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"  # before the first sign-in, and so before anything is spent
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 10 * 60
ACCOUNT_FORMS = {
    "login": "accounts.forms.SignInForm",
    "signup": "accounts.forms.RegisterForm",
    "add_email": "accounts.forms.ChangeEmailForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "reset_password": "accounts.forms.AskResetForm",
    "reset_password_from_key": "accounts.forms.ResetForm",
    "reauthenticate": "accounts.forms.ReauthenticateForm",
}
MFA_ADAPTER = "accounts.adapter.SecondStepAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS  # this machine only
MFA_RECOVERY_CODE_DIGITS = 12
MFA_TOTP_TOLERANCE = 1  # phones are up to half a minute off; each code opens once all the same
MFA_FORMS = {
    "authenticate": "accounts.forms.CodeForm",
    "reauthenticate": "accounts.forms.CodeAgainForm",
    "activate_totp": "accounts.forms.AddAppForm",
}
ADMIN_NETWORKS = env.networks("ADMIN_NETWORKS")  # from which admin can be reached; none: from everywhere

_HOST_PREFIX = "__Host-" if HTTPS else "adsgem-"
SESSION_COOKIE_NAME = f"{_HOST_PREFIX}session"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 60 * 60  # at the very most; idle sessions end earlier
SESSION_IDLE_SECONDS = 12 * 60 * 60
SESSION_IDLE_SECONDS_STAFF = 30 * 60
CSRF_COOKIE_NAME = f"{_HOST_PREFIX}csrf"

# --- what a browser is told (RELIABILITY: S-13). SECURE_CSP has the names of Django 6, which brings its own middleware.
_MEDIA = [f"{urlsplit(S3_ENDPOINT_URL).scheme}://{urlsplit(S3_ENDPOINT_URL).netloc}"] if S3_ENDPOINT_URL else []
if S3_BUCKET and not _MEDIA:
    _MEDIA = [f"https://{S3_BUCKET}.s3.amazonaws.com", f"https://{S3_BUCKET}.s3.{env.text('S3_REGION', 'us-east-1')}.amazonaws.com"]
SECURE_CSP: dict[str, list[str]] = {
    "default-src": ["'none'"],
    "script-src": [SELF, NONCE],
    "style-src": [SELF, NONCE],
    "style-src-attr": [UNSAFE_INLINE],  # values of single elements, such as how far a bar is filled
    "font-src": [SELF],
    "manifest-src": [SELF],
    "img-src": [SELF, "blob:", *_MEDIA],
    "connect-src": [SELF],
    "form-action": [SELF],
    "base-uri": ["'none'"],
    "object-src": ["'none'"],
    "frame-ancestors": ["'none'"],
}
# Django's admin and Swagger draw with data: pictures; Swagger writes its own style elements, too.
SECURE_CSP_BY_PATH: dict[str, dict[str, list[str]]] = {
    f"/{ADMIN_PATH}": {"img-src": [SELF, "blob:", "data:", *_MEDIA]},
    "/api/v1/docs": {"img-src": [SELF, "data:"], "style-src": [SELF, UNSAFE_INLINE]},
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
# https ends at a proxy in front of us, which says so; without https nobody is asked to believe the header.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None

# --- API (RELIABILITY: S-10, S-16)
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "api.authentication.KeyAuthentication",
        "api.authentication.EpochAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["api.base.JsonBody"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "api.paging.NewestFirst",
    "DEFAULT_THROTTLE_CLASSES": ["api.permissions.Everyone", "api.permissions.Strangers"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "api.errors.handle",
    "NUM_PROXIES": 0,  # the server in front of Django knows which proxy to believe
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SIMPLE_JWT: dict[str, Any] = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=5),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=1),
    # Kept by api.v1.tokens: only the newest refresh token of a sign-in is good, and accounts.models.TokenChain knows it (docs/decisions/0008).
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "ALGORITHM": "HS256",
    "SIGNING_KEY": JWT_SIGNING_KEY,
    "AUDIENCE": "adsgem-api",
    "ISSUER": "adsgem",
    "CHECK_REVOKE_TOKEN": True,
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "OAS_VERSION": "3.1.1",
    "TITLE": "AdsGem",
    "DESCRIPTION": "From one product photo and a short brief to finished files for every ad placement.",
    "VERSION": VERSION,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        **{f"{row}Status": f"generations.models.{row}.Status" for row in ("Generation", "Picture", "Ad")},
        "ModelFamily": "comfy.models.FAMILIES",
    },
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "api.schema.tidy"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# --- the bell (RELIABILITY: R-19; `manage.py check` refuses drift)
_BELL = f"adsgem-sqlite://localhost/{quote(str(DATA_DIR / 'bell.sqlite3'))}"
CELERY_BROKER_URL = env.address("BROKER_URL", schemes=("redis", "rediss", "amqp", "amqps")) or _BELL
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = CELERY_RESULT_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_HIJACK_ROOT_LOGGER = False  # its lines go where ours go, and without secrets
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SOFT_TIME_LIMIT, CELERY_TASK_TIME_LIMIT = 15 * 60, 16 * 60
QUEUES = ("words", "pictures", "files")
CELERY_TASK_DEFAULT_QUEUE = "words"
CELERY_TASK_ROUTES = {
    "generations.tasks.make_picture": {"queue": "pictures"},
    "generations.tasks.finish_ad": {"queue": "files"},
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_RESULT_BACKEND = "django-db"
CELERY_RESULT_EXPIRES = timedelta(days=7)
CELERY_VISIBILITY_TIMEOUT = 3600
# A broker that is away costs whoever rings a moment, not two seconds: kombu would wait that long before its second try.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_connect_timeout": 1,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
}
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"visibility_timeout": 3600}
CELERY_BROKER_CONNECTION_TIMEOUT = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 60
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False

# --- the making
LEASE_SECONDS = env.number("LEASE_SECONDS", 60, at_least=1, at_most=3600)
HEARTBEAT_SECONDS = env.number("HEARTBEAT_SECONDS", 10, at_least=0.1, at_most=LEASE_SECONDS / 2)
SWEEP_SECONDS = env.number("SWEEP_SECONDS", 5, at_least=0.1, at_most=3600)
DEADLINE_SECONDS = env.number("DEADLINE_SECONDS", 6 * 3600, at_least=1, at_most=30 * 24 * 3600)  # an open order older than this fails
KEEP_FREE_BYTES = int(env.number("KEEP_FREE_BYTES", 2**30, at_least=0, at_most=2**50))  # less room than this on the disk stops new work
PAYMENT_PROVIDER = env.text("PAYMENT_PROVIDER")  # the dotted path of a class that fits accounts.payments.PaymentProvider; none: no buying
CUTOUT_MODEL_PATH = env.file("CUTOUT_MODEL_PATH")
OPENAI_API_KEY = env.text("OPENAI_API_KEY")
OPENAI_BASE_URL = env.address("OPENAI_BASE_URL")
OPENAI_MODEL = env.text("OPENAI_MODEL")
OPENAI_IMAGE_MODEL = env.text("OPENAI_IMAGE_MODEL")
# What models may cost for one brand in a day, in micro-USD, where the brand's own row says nothing else.
DAILY_MICRO_USD = round(env.number("DAILY_BUDGET_USD", 20, at_least=0, at_most=1_000_000) * 1_000_000)
WRITER_SECONDS = env.number("WRITER_SECONDS", 60, at_least=1, at_most=300)  # for one answer; a small machine of one's own needs longer
WRITER_FALLBACK = env.flag("WRITER_FALLBACK", default=True)  # the offline writer writes when the model cannot; no: orders wait
COMFY_SERVERS = env.addresses("COMFY_SERVERS")  # none: the built-in engine paints
C2PA_CERT, C2PA_KEY = env.file("C2PA_CERT"), env.file("C2PA_KEY")
C2PA_TSA_URL = env.address("C2PA_TSA_URL")
MARK_PROMPT = env.flag("MARK_PROMPT")  # no: what was asked of the model stays with us, and is not in the files

# --- messages, time, logs
vars().update(env.email("EMAIL_URL"))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = f"AdsGem <adsgem@{SITE.hostname}>"
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
SENTRY_DSN = env.text("SENTRY_DSN")

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"redact": {"()": "adsgem.logs.Redact"}},
    "formatters": {
        "line": {"format": "{asctime} {levelname:<7} {name}: {message}", "style": "{"},
        "json": {"()": "adsgem.logs.JsonLine"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": env.choice("LOG_FORMAT", "line", ("line", "json")),
            "filters": ["redact"],
        }
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "django.request": {"level": "ERROR"},  # a wrong address is no news
        "pyngrok": {"level": "CRITICAL"},  # `up --share` says in one sentence what went wrong
        "celery": {"level": "WARNING"},
        **{
            name: {"level": "INFO"}
            for name in ("adsgem", "accounts", "generations", "prompting", "painting", "comfy", "keeping", "api", "studio")
        },
    },
}
