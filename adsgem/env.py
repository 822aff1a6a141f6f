"""The only reader of the environment: small typed readers that refuse nonsense with a sentence.

A variable that is set to nothing counts as not set. A `.env` file beside manage.py is read first; the real environment wins.
"""

from __future__ import annotations

import base64
import fcntl
import ipaddress
import json
import os
import secrets as randomness
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")
YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


class SettingError(ImproperlyConfigured):
    """A setting that cannot be used. The message is one sentence that names it and says what to give instead."""


def read_file(path: Path = BASE_DIR / ".env") -> None:
    """Add the lines of a `.env` file to the environment, where they are not set already."""
    if path.is_file():
        environ.Env.read_env(path)


def text(name: str, default: str = "") -> str:
    """The setting as text, without white space at its ends; from the file that NAME_FILE names where NAME itself is not set.

    Files are how containers are given secrets. Raises SettingError for one that cannot be read.
    """
    told, path = os.environ.get(name, "").strip(), os.environ.get(f"{name}_FILE", "").strip()
    if not told and path:
        try:
            told = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(f"{name}_FILE names {path}, which cannot be read. Give a text file, or set {name}.") from error
    return told or default


def choice(name: str, default: str, of: tuple[str, ...]) -> str:
    """The setting as one of some words. Raises SettingError for any other."""
    told = text(name, default).lower()
    if told not in of:
        raise SettingError(f"{name} must be {' or '.join(of)}, not '{told}'.")
    return told


def words(name: str, default: tuple[str, ...] = ()) -> list[str]:
    """The setting as a list: its words stand between commas."""
    return [word for word in (part.strip() for part in text(name).split(",")) if word] or list(default)


def flag(name: str, default: bool = False) -> bool:
    """The setting as yes or no. Raises SettingError for anything else."""
    value = text(name).lower()
    if value and value not in YES + NO:
        raise SettingError(f"{name} must be yes or no, not '{value}'.")
    return value in YES if value else default


def number(name: str, default: float, *, at_least: float, at_most: float) -> float:
    """The setting as a number within its limits. Raises SettingError outside them."""
    value = text(name)
    try:
        found = float(value) if value else default
    except ValueError:
        found = float("nan")
    if not at_least <= found <= at_most:
        raise SettingError(f"{name} must be a number from {at_least:g} to {at_most:g}, not '{value}'.")
    return found


def address(name: str, default: str = "", schemes: tuple[str, ...] = ("http", "https")) -> str:
    """The setting as a URL without a slash at its end. Raises SettingError for what is none, or has another scheme."""
    value = text(name, default).rstrip("/")
    if value:
        _split(name, value, schemes)
    return value


def addresses(name: str, schemes: tuple[str, ...] = ("http", "https")) -> list[str]:
    """The setting as a list of URLs between commas. Raises SettingError for one that is none."""
    found = [word.rstrip("/") for word in words(name)]
    for value in found:
        _split(name, value, schemes)
    return found


def public_url(name: str, default: str) -> SplitResult:
    """Where people reach this site. Raises SettingError for plain http outside this machine: passwords would travel in the open."""
    parts = _split(name, address(name, default), ("http", "https"))
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise SettingError(f"{name} must begin with https:// outside this machine; plain http is for {', '.join(LOOPBACK[:2])} only.")
    if parts.path or parts.query or parts.fragment:
        raise SettingError(f"{name} must be a host without a path, such as https://ads.example.com.")
    return parts


def hosts(name: str, default: tuple[str, ...], *, debug: bool) -> list[str]:
    """The host names that may be asked for. Raises SettingError for `*`, and in debug mode for any outside this machine."""
    found = words(name, default)
    if any("*" in host for host in found):
        raise SettingError(f"{name} must name each host: with '*' a stranger's host name would end up in our links.")
    if debug and (outside := [host for host in found if host not in LOOPBACK_HOSTS]):
        raise SettingError(
            f"DEBUG shows the inside of AdsGem, so it works on this machine only, not for {', '.join(outside)}. Set DEBUG=no."
        )
    return found


def long_enough(name: str, value: str, characters: int) -> str:
    """The secret. Raises SettingError when it is so short or plain that it could be guessed."""
    if len(value) < characters or len(set(value)) < 10:
        raise SettingError(f"{name} must be at least {characters} random characters.")
    return value


def encryption_keys(name: str, value: str) -> list[str]:
    """The keys between commas. Raises SettingError for one that is not 32 bytes in URL-safe base64."""
    keys = [key.strip() for key in value.split(",") if key.strip()]
    for key in keys:
        try:
            usable = len(base64.urlsafe_b64decode(key)) == 32
        except ValueError:
            usable = False
        if not usable:
            raise SettingError(f"{name} must be keys of 32 bytes in URL-safe base64, with commas between.")
    return keys


def file(name: str) -> Path | None:
    """The setting as the path of a file that is there, or None when not set. Raises SettingError when there is none."""
    if not (value := text(name)):
        return None
    path = Path(value).expanduser()
    if not path.is_file():
        raise SettingError(f"{name} names the file {value}, and there is none.")
    return path.resolve()


def folder(name: str, default: Path) -> Path:
    """The setting as a folder that may be written to, made when it is not there. Raises SettingError when that cannot be."""
    path = Path(text(name, str(default))).expanduser().resolve()
    try:
        private_folder(path)
    except OSError as error:
        raise SettingError(f"{name} must be a folder that AdsGem may write to; {path}: {error.strerror}.") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise SettingError(f"{name} must be a folder that AdsGem may write to, and {path} is not.")
    return path


def private_folder(path: Path) -> Path:
    """The folder, made for this account alone when it is not there."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def database(name: str, fallback: Path) -> dict[str, Any]:
    """DATABASES["default"] from a postgres:// or sqlite:/// address; nothing set means the SQLite file `fallback`."""
    if not text(name):
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(fallback)}
    found = _parsed(name, environ.Env.db_url_config, ("postgres", "postgresql", "sqlite"))
    if not found["NAME"]:
        raise SettingError(f"{name} names no database: it ends in /name, such as postgres://user:password@host:5432/adsgem.")
    return found


def cache(name: str) -> dict[str, Any]:
    """CACHES["default"] from a redis:// address; nothing set means this process's own memory."""
    if not text(name):
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    return _parsed(name, environ.Env.cache_url_config, ("redis", "rediss"))


def networks(name: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """The addresses and networks between commas, such as 10.0.0.0/8. Raises SettingError for what is neither."""
    found = []
    for word in words(name):
        try:
            found.append(ipaddress.ip_network(word, strict=False))
        except ValueError:
            raise SettingError(
                f"{name} must be addresses or networks such as 10.0.0.0/8, with commas between; {word} is neither."
            ) from None
    return found


def email(name: str) -> dict[str, Any]:
    """Django's EMAIL_ settings from an smtp:// address; nothing set means that messages are printed."""
    if not text(name):
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    return _parsed(name, environ.Env.email_url_config, ("smtp", "smtp+tls", "smtp+ssl"))


def secrets(path: Path, makers: dict[str, Callable[[], str]]) -> dict[str, str]:
    """The named secrets, each from the environment, else from the file at `path` (mode 600), made there on first use.

    Several processes may start together: the one that holds the lock makes them, the others read them.
    """
    given = {name: text(name) for name in makers}
    if all(given.values()):
        return given
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = _read_secrets(path)
        made = {name: maker() for name, maker in makers.items() if not given[name] and name not in kept}
        if made:
            write_private(path, {**kept, **made})
    return {name: given[name] or kept.get(name) or made[name] for name in makers}


def write_private(path: Path, data: dict[str, Any]) -> None:
    """Write JSON that only this account may read, whole or not at all."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(data, out, indent=2)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path)


def for_child(**changes: str) -> dict[str, str]:
    """The environment for a process of ours, with these changes."""
    return {**os.environ, **changes}


def token() -> str:
    """A random secret of 64 characters."""
    return randomness.token_urlsafe(48)


def encryption_key() -> str:
    """A random 256-bit key in the form Fernet wants: URL-safe base64."""
    return base64.urlsafe_b64encode(randomness.token_bytes(32)).decode()


def _split(name: str, value: str, schemes: tuple[str, ...]) -> SplitResult:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in schemes and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise _not_an_address(name, schemes)
    return parts


def _parsed(name: str, parse: Callable[[str], dict[str, Any]], schemes: tuple[str, ...]) -> dict[str, Any]:
    value = text(name)
    if value.partition("://")[0] not in schemes:
        raise _not_an_address(name, schemes)
    try:
        return dict(parse(value))
    except (ValueError, KeyError, ImproperlyConfigured):
        raise _not_an_address(name, schemes) from None


def _not_an_address(name: str, schemes: tuple[str, ...]) -> SettingError:
    # The value stays out of the sentence: it may carry a password.
    return SettingError(f"{name} must be an address that begins with {' or '.join(f'{scheme}://' for scheme in schemes)}.")


def _read_secrets(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        kept = json.loads(path.read_text())
        if isinstance(kept, dict) and all(isinstance(value, str) for value in kept.values()):
            return kept
    except (OSError, ValueError):
        pass
    raise SettingError(f"{path} cannot be read as secrets. Restore it from a backup, or remove it: everybody then has to sign in again.")
