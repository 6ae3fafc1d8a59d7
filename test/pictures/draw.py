"""Draws what a terminal shows as SVG: draw.py ID COLUMNS < TEXT > SVG."""

import html
import io
import re
import sys

from rich.console import Console
from rich.text import Text

# Rich's own template loads a font from a host. This one also has the text as it is, for screen readers
# and for the test that compares it.
TEMPLATE = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">
<desc>DESCRIPTION</desc>
<style>
.{unique_id}-matrix {{
  font-family: "DejaVu Sans Mono", Menlo, Consolas, "Liberation Mono", monospace;
  font-size: {char_height}px;
  line-height: {line_height}px;
}}
{styles}
</style>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def main(name: str, columns: int) -> None:
    text = Text.from_ansi(sys.stdin.read())
    description = html.escape(text.plain).replace("{", "{{").replace("}", "}}")
    console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(text, no_wrap=True)
    svg = console.export_svg(
        title="", unique_id=name, font_aspect_ratio=0.602, code_format=TEMPLATE.replace("DESCRIPTION", description)
    )
    # No line is longer than the terminal, so none is clipped. Rich clips the last line by a path that it omits.
    sys.stdout.write(re.sub(r' clip-path="[^"]*"', "", svg))


main(sys.argv[1], int(sys.argv[2]))
