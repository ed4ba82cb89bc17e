"""Alembic's home: `env.py` runs on the connection it is handed, never on a URL of its own."""

from typing import Final

__all__ = ["HEAD"]

HEAD: Final = "0001"
"""The revision of the newest migration; `journal/store.py` opens nothing newer.

It stands here, not beside the tables: who opens a journal that is up to date needs no SQLAlchemy.
"""
