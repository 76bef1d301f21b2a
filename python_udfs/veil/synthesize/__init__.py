"""Simulated people in any number: `python -m veil.synthesize --help`."""
