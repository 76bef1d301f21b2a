"""Entry point of `python -m veil.synthesize`."""

from __future__ import annotations

from veil.warehouse.synthesize import main

if __name__ == "__main__":
    raise SystemExit(main())
