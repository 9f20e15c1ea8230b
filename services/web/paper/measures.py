"""Page measures of papers, in points, and their greys: dark enough for any copier."""

from typing import Final

from reportlab.lib.colors import Color
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm

WIDTH, HEIGHT = A4
MARGIN: Final = 16 * mm
INNER: Final = WIDTH - 2 * MARGIN
QUIET: Final = Color(0.3, 0.3, 0.3)
LINE: Final = Color(0.65, 0.65, 0.65)
SHADE: Final = Color(0.93, 0.93, 0.93)
