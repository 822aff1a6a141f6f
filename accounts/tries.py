"""Guessing is counted in the database, before the guess is looked at: so fifty at once count fifty, in any number of processes.

What is guessed at, a password or a code, is counted three ways:

- by name and place: five wrong ones shut the door for this name from there for a quarter of an hour, and for nobody else;
- by place: a hundred wrong ones, over all names, shut the door for that place;
- by name alone, from places that this person never signed in from: after 25 in an hour each further one makes all strangers wait, twice as
  long each time, up to a quarter of an hour. Its owner, at a place of theirs, is not asked to wait for what strangers do; anywhere else a
  new password by e-mail opens the door. So nobody can be shut out for ever.

The place is the address that the connection came from. What a caller writes into X-Forwarded-For is not looked at: the server in front of
us knows which proxy it believes.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest

from accounts.models import Place, Tries, User
from keeping.claims import db_now

MINUTE, HOUR, DAY = 60, 60 * 60, 24 * 60 * 60  # seconds


@dataclass(frozen=True)
class Limit:
    """So many tries in so many seconds; then the door is shut for `shut` seconds, or, where it `grows`, for 1, 2, 4 … up to that."""

    kind: str
    most: int
    seconds: int
    shut: int
    grows: bool = False


HERE = Limit("here", most=5, seconds=15 * MINUTE, shut=15 * MINUTE)
PLACE = Limit("place", most=100, seconds=15 * MINUTE, shut=15 * MINUTE)
STRANGERS = Limit("strangers", most=25, seconds=HOUR, shut=15 * MINUTE, grows=True)
MAIL_TO = Limit("mail-to", most=5, seconds=HOUR, shut=HOUR)  # so that nobody's letter box is filled through us
MAIL_FROM = Limit("mail-from", most=30, seconds=HOUR, shut=HOUR)


class TooMany(Exception):
    """Too many tries. `seconds` says when there is another one; the message is a sentence."""

    def __init__(self, seconds: int) -> None:
        minutes = max(1, -(-seconds // MINUTE))
        wait = "a minute" if minutes == 1 else f"{minutes} minutes"
        super().__init__(f"Too many tries. Wait {wait}, then try again. Or choose a new password by email, which works at once.")
        self.seconds = seconds


@dataclass
class Guess:
    """A guess that was counted and may be looked at now."""

    counted: list[str] = field(default_factory=list)
    owner_keys: list[str] = field(default_factory=list)

    def was_right(self) -> None:
        """Forget the wrong ones before it. The place keeps its count, less this one: one's own account must not wash off guesses at others."""
        Tries.objects.filter(key__in=self.owner_keys).delete()
        rest = [key for key in self.counted if key not in self.owner_keys]
        Tries.objects.filter(key__in=rest, number__gt=0).update(number=F("number") - 1)
        Tries.objects.filter(key__in=rest, number__lt=PLACE.most).update(shut_until=0)  # the last free one, and it was right


def network_of(request: HttpRequest | None) -> str:
    """Where a request came from: an IPv4 address, or the /64 of an IPv6 address, which one customer has whole. "" for none."""
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", "") if request else "")
    except ValueError:
        return ""  # a Unix socket, or a command
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False).network_address)
    return str(address)


def guess(what: str, name: str, network: str) -> Guess:
    """Count a guess at a password or a code of this name (an e-mail address in small letters). Raises TooMany, which says nothing of the name."""
    here, strangers = _key(HERE, what, name, network), _key(STRANGERS, what, name)
    made = Guess(owner_keys=[here, strangers])
    known = Place.objects.filter(user__email=name, network=network).exists()
    wanted = [(HERE, here), (PLACE, _key(PLACE, what, network))]
    if not known:
        wanted.append((STRANGERS, strangers))
    for limit, key in wanted:
        if wait := _count(limit, key):
            raise TooMany(wait)  # and is no guess: it does not count against the place, or make other strangers wait
        made.counted.append(key)
    return made


def take(limit: Limit, *names: str) -> int:
    """Count something that is limited by itself, such as an e-mail to one address. Gives 0, or the seconds to wait."""
    return _count(limit, _key(limit, *names))


def forget(user: User) -> None:
    """Whoever chose a new password by e-mail has shown who they are: strangers' guesses before it no longer count."""
    Tries.objects.filter(key__in=[_key(STRANGERS, what, user.email) for what in ("password", "code")]).delete()


def forget_old() -> int:
    """Drop counts that nobody needs any more. Gives how many."""
    now = db_now()
    return Tries.objects.filter(since__lt=now - DAY * 1000, shut_until__lt=now).delete()[0]


def _count(limit: Limit, key: str) -> int:
    """One more try under this key. Gives 0 when it may go on, else the seconds to wait. Counted either way."""
    with transaction.atomic():
        now = db_now()
        Tries.objects.bulk_create([Tries(key=key, since=now)], ignore_conflicts=True)
        row = Tries.objects.select_for_update().get(key=key)
        shut = row.shut_until > now
        if not shut and row.since < now - limit.seconds * 1000:
            row.number, row.since = 0, now
        row.number += 1
        # Set with the last try that is free, and not moved by those that come while it is shut: they cannot keep it shut.
        if not shut and row.number >= limit.most:
            seconds = min(limit.shut, 2 ** min(20, row.number - limit.most)) if limit.grows else limit.shut
            row.shut_until = now + seconds * 1000
        row.save(update_fields=["number", "since", "shut_until"])
    return -(-(row.shut_until - now) // 1000) if shut else 0


def _key(limit: Limit, *names: str) -> str:
    # With our secret: else a list of known addresses would tell whose rows these are.
    said = "\0".join((settings.SECRET_KEY, limit.kind, *names))
    return hashlib.sha256(said.encode()).hexdigest()
