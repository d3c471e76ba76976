"""Django's settings, made from the workspace.

Belongs here: every setting with the reason for it, the secret key, the choice of database. Does not belong here: settings that
people write; those stand in `civicops.toml` (`civicops.workspace`) and, where they are secrets, in the environment.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONCE, NONE, SELF
from django.conf import settings

from civicops.database import named_database
from civicops.errors import CivicopsError
from civicops.workspace import Workspace

PACKAGE = Path(__file__).parent
BUILT = PACKAGE / "built"
"""What the web build writes."""
PROVIDERS = {"github": ("GITHUB", "https://github.com"), "google": ("GOOGLE", "https://accounts.google.com")}
"""Sign-in provider to the beginning of its environment variables and the host that its sign-in goes to."""


def configure(workspace: Workspace) -> None:
    """Set Django up for this workspace; once per process. Raises `CivicopsError` for a second, different one."""
    import django  # noqa: PLC0415 - half a second that most commands do not need

    if settings.configured:
        if workspace.root != settings.CIVICOPS_WORKSPACE.root:
            raise CivicopsError("This process already serves another workspace.", hint="Start a process of its own.")
        return
    settings.configure(**settings_for(workspace))
    django.setup()


def settings_for(workspace: Workspace) -> dict[str, Any]:
    """Every Django setting that differs from Django's own."""
    portal = workspace.settings.portal
    origins = [f"https://{name}" for name in portal.hosts] if portal.https else []
    return {
        "CIVICOPS_WORKSPACE": workspace,
        "SECRET_KEY": secret_key(workspace),
        "DEBUG": False,
        "ALLOWED_HOSTS": ["127.0.0.1", "localhost", "[::1]", *portal.hosts],
        "CSRF_TRUSTED_ORIGINS": origins,
        "ROOT_URLCONF": "civicops.portal.urls",
        "INSTALLED_APPS": [
            "civicops.portal",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "django.contrib.humanize",
            "csp",
            "allauth",
            "allauth.account",
            "allauth.socialaccount",
            *(f"allauth.socialaccount.providers.{name}" for name in providers()),
        ],
        "MIDDLEWARE": [
            "civicops.portal.head.HeadMiddleware",
            "django.middleware.security.SecurityMiddleware",
            "csp.middleware.CSPMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
            "allauth.account.middleware.AccountMiddleware",
            "civicops.portal.access.RuleMiddleware",
        ],
        "TEMPLATES": [{
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [PACKAGE / "templates"],
            "APP_DIRS": True,
            "OPTIONS": {"context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "civicops.portal.context.portal",
            ]},
        }],
        "DATABASES": {"default": database(workspace)},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "CACHES": {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        "USE_TZ": True,
        "TIME_ZONE": workspace.settings.workspace.timezone,
        "LANGUAGE_CODE": "en-us",
        "USE_THOUSAND_SEPARATOR": True,
        "LOGGING": _logging(),
    } | _security(workspace) | _accounts(workspace)  # fmt: skip


def _security(workspace: Workspace) -> dict[str, Any]:
    portal = workspace.settings.portal
    sign_in_hosts = [PROVIDERS[name][1] for name in providers()]
    return {
        "CONTENT_SECURITY_POLICY": {"DIRECTIVES": {
            "default-src": [NONE],
            "script-src": [SELF, NONCE],
            "style-src": [SELF, NONCE],
            "img-src": [SELF, "data:", "blob:", *portal.connect],
            "font-src": [SELF],
            "connect-src": [SELF, *portal.connect],
            # Maps draw in workers that they make from a blob.
            "worker-src": [SELF, "blob:"],
            "child-src": [SELF, "blob:"],
            "manifest-src": [SELF],
            "form-action": [SELF, *sign_in_hosts],
            "frame-ancestors": [NONE],
            "base-uri": [NONE],
            "object-src": [NONE],
        }},
        "X_FRAME_OPTIONS": "DENY",
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "SECURE_REFERRER_POLICY": "same-origin",
        "SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin",
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https") if portal.https else None,
        "SECURE_HSTS_SECONDS": 31_536_000 if portal.https else 0,
        "SESSION_COOKIE_SECURE": portal.https,
        "CSRF_COOKIE_SECURE": portal.https,
        "SESSION_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_AGE": 14 * 24 * 3600,
        # Bodies are small forms only, but for the files of imported lists, which go to the disk.
        "DATA_UPLOAD_MAX_MEMORY_SIZE": 64 * 1024,
        "DATA_UPLOAD_MAX_NUMBER_FIELDS": 250,
        "DATA_UPLOAD_MAX_NUMBER_FILES": 1,
    }  # fmt: skip


def _accounts(workspace: Workspace) -> dict[str, Any]:
    portal = workspace.settings.portal
    validators = ("UserAttributeSimilarity", "MinimumLength", "CommonPassword", "NumericPassword")
    return {
        "AUTHENTICATION_BACKENDS": ["allauth.account.auth_backends.AuthenticationBackend"],
        "AUTH_PASSWORD_VALIDATORS": [
            {"NAME": f"django.contrib.auth.password_validation.{name}Validator"} for name in validators
        ],
        "LOGIN_URL": "account_login",
        "LOGIN_REDIRECT_URL": "home",
        "ACCOUNT_LOGOUT_REDIRECT_URL": "home",
        "ACCOUNT_ADAPTER": "civicops.portal.accounts.AccountAdapter",
        "SOCIALACCOUNT_ADAPTER": "civicops.portal.accounts.SocialAdapter",
        "ACCOUNT_LOGIN_METHODS": {"username"},
        "ACCOUNT_SIGNUP_FIELDS": ["username*", "password1*"],
        "ACCOUNT_EMAIL_VERIFICATION": "none",
        "ACCOUNT_SESSION_REMEMBER": False,
        "ACCOUNT_RATE_LIMITS": {"login_failed": f"{portal.sign_ins_per_minute}/m/ip,5/300s/key"},
        "ALLAUTH_TRUSTED_PROXY_COUNT": portal.proxies,
        # Without it whoever asks could name any address as their own and count afresh each time.
        "NINJA_NUM_PROXIES": portal.proxies,
        "SOCIALACCOUNT_LOGIN_ON_GET": False,
        "SOCIALACCOUNT_STORE_TOKENS": False,
        "SOCIALACCOUNT_PROVIDERS": {
            name: {"APPS": [{"client_id": client, "secret": secret, "key": ""}]}
            for name, (client, secret) in providers().items()
        },
    }


def providers() -> dict[str, tuple[str, str]]:
    """Sign-in providers that the environment configures, each with its client id and secret."""
    found = {}
    for name, (prefix, _) in PROVIDERS.items():
        client, secret = os.environ.get(f"{prefix}_CLIENT_ID", ""), os.environ.get(f"{prefix}_CLIENT_SECRET", "")
        if client and secret:
            found[name] = (client, secret)
    return found


def database(workspace: Workspace) -> dict[str, Any]:
    """SQLite in the data folder, or what `DATABASE_URL` names. Raises `CivicopsError` for an address nobody can read."""
    url = named_database(workspace)
    if url:
        try:
            return dict(dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True))
        except ValueError as error:
            message = f"DATABASE_URL cannot be read: {error}."
            raise CivicopsError(message, hint="It looks like postgres://USER:PASSWORD@HOST:5432/NAME.") from error
    workspace.data.mkdir(parents=True, exist_ok=True)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": workspace.data / "app.sqlite3",
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;",
        },
    }


def secret_key(workspace: Workspace) -> str:
    """The key that signs sessions and cursors, made on first use and readable by its owner only."""
    path = workspace.folder("portal") / "secret_key"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(secrets.token_urlsafe(50))
    except FileExistsError:
        pass
    key = path.read_text(encoding="utf-8").strip()
    if len(key) < 50:
        path.unlink()
        return secret_key(workspace)
    return key


def _logging() -> dict[str, Any]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"stderr": {"class": "logging.StreamHandler"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            # A page that is not there, or not for who asks, is not news.
            "django.request": {"level": "ERROR"},
            "django.security.DisallowedHost": {"level": "ERROR"},
        },
    }
