"""Polars and its hashing plugin, imported with one worker thread.

A batch is 2,048 rows and the engine calls from its own threads: polars' thread pool adds a hop per
batch and nothing else. A number of threads that the user chose stands. The plugin takes its
allocator from polars, so polars comes first.
"""

from __future__ import annotations

import os

os.environ.setdefault("POLARS_MAX_THREADS", "1")

import polars
import polars_hash

__all__ = ["polars", "polars_hash"]
