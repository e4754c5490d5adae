"""Captures: walks over GitHub's connections that end as rows, a cursor and a ledger entry, page by page.

The only package that knows both ``github`` and ``warehouse``. When a capture runs is decided elsewhere.
"""
