"""The record of what was done with keys and state."""
