"""What a project exposes, and what a change to it exposes: `veil diff`.

A picture says who can see what, from the parsed project and its lineage; two pictures are compared,
and each difference says whether a reviewer must look at it.
"""

from veil.exposure.change import Change, Severity
from veil.exposure.compare import compare
from veil.exposure.markdown import as_markdown
from veil.exposure.picture import Picture, draw

__all__ = ["Change", "Picture", "Severity", "as_markdown", "compare", "draw"]
