"""The arithmetic of keyed masks. The catalogue of masks stands in macros/masking/."""
