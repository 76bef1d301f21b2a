"""Differential privacy: what a release costs, exactly, and the noise it is made of."""
