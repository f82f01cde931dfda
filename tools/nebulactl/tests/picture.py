#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# Draws a terminal's screen, with its colours, as SVG: standard input is what tmux capture-pane -e prints.
import re
import sys
from html import escape

WIDTH, HEIGHT, PAD = 8.4, 18, 14
COLORS = {31: "#ff6b7d", 32: "#4cc38a", 33: "#f0b24a", 36: "#5cc0e8"}
INK, PAPER, DIM = "#e6e8f4", "#14161f", "#7d849f"


def runs(line):
    """Pieces of a line that look the same: column, text, and how they look."""
    look, column, found = {}, 0, []
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if part.startswith("\x1b["):
            for code in (int(code or 0) for code in part[2:-1].split(";")):
                if code == 0:
                    look = {}
                elif code in (1, 2, 7):
                    look = {**look, code: True}
                elif code == 39:
                    look = {key: value for key, value in look.items() if key != "color"}
                elif code in COLORS:
                    look = {**look, "color": COLORS[code]}
        elif part:
            found.append((column, part, look))
            column += len(part)
    return found


lines = sys.stdin.read().rstrip("\n").split("\n")
columns = max(120, max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines))
width, height = columns * WIDTH + 2 * PAD, len(lines) * HEIGHT + 2 * PAD
print('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" '
      'font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14" fill="%s">' % (width, height, INK))
print('<rect width="100%%" height="100%%" rx="10" fill="%s"/>' % PAPER)
for number, line in enumerate(lines):
    top = PAD + number * HEIGHT
    for column, text, look in runs(line):
        left = PAD + column * WIDTH
        color = DIM if 2 in look else look.get("color", INK)
        if 7 in look:
            print('<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>' % (
                left, top, len(text) * WIDTH, HEIGHT, color))
            color = PAPER
        if not text.strip():
            continue
        print('<text x="%.1f" y="%d" textLength="%.1f" fill="%s"%s xml:space="preserve">%s</text>' % (
            left, top + 14, len(text) * WIDTH, color, ' font-weight="bold"' if 1 in look else "", escape(text)))
print("</svg>")
