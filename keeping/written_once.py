"""Rows that are written once: the ledger, the log of who did what. The database refuses changes, too (each table's first migration)."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from django.db import models


class AppendOnly(models.QuerySet[Any]):
    """Rows that nobody changes or deletes. The database refuses it as well; this says so before it is asked."""

    def update(self, **fields: Any) -> NoReturn:
        """Refused."""
        raise ValueError(self.model.NEVER_CHANGED)

    def delete(self) -> NoReturn:
        """Refused."""
        raise ValueError(self.model.NEVER_CHANGED)


class WrittenOnce(models.Model):
    """A row that is written once, never changed, never deleted. Each kind says in `NEVER_CHANGED` what to do instead."""

    NEVER_CHANGED: ClassVar[str]

    objects = models.Manager.from_queryset(AppendOnly)()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write a new row. Raises ValueError for one that exists."""
        if not self._state.adding:
            raise ValueError(self.NEVER_CHANGED)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused."""
        raise ValueError(self.NEVER_CHANGED)
