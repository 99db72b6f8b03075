"""Ken's own colours: a dark, a light and an ANSI theme, and what other themes fall back on.

Names with `ken-` are the interface's vocabulary: dim and faint text, rules, the colour of matched
words, and three strengths of highlighter for sentences that answer.
"""

from __future__ import annotations

import os
from dataclasses import replace

from textual.theme import Theme

DARK = Theme(
    name="ken-dark",
    primary="#7cc7b2",
    secondary="#8fb0f0",
    accent="#7cc7b2",
    warning="#e0a458",
    error="#e27878",
    success="#86c08a",
    foreground="#d9dde4",
    background="#14171c",
    surface="#1a1e25",
    panel="#222730",
    dark=True,
    variables={
        "ken-dim": "#939ba9",
        "ken-faint": "#7f8896",
        "ken-rule": "#2b313b",
        "ken-select": "#222b33",
        "ken-focus": "#274146",
        "ken-word": "#f2c66d",
        "ken-link": "#8fb0f0",
        "ken-mark-1": "#262418",
        "ken-mark-2": "#3a3319",
        "ken-mark-3": "#57491c",
        "input-cursor-background": "#7cc7b2",
        "input-cursor-foreground": "#14171c",
        "input-selection-background": "#2f4a47",
        "scrollbar": "#2b313b",
        "scrollbar-hover": "#3a424e",
        "scrollbar-active": "#7cc7b2",
        "scrollbar-background": "#14171c",
        "scrollbar-background-hover": "#14171c",
        "scrollbar-background-active": "#14171c",
        "scrollbar-corner-color": "#14171c",
    },
)

LIGHT = Theme(
    name="ken-light",
    primary="#1b7a63",
    secondary="#3a62b8",
    accent="#1b7a63",
    warning="#a8620b",
    error="#b53a3a",
    success="#2f7d3b",
    foreground="#262a31",
    background="#fcfbf8",
    surface="#f5f3ed",
    panel="#ece9e1",
    dark=False,
    variables={
        "ken-dim": "#5f6672",
        "ken-faint": "#6c727d",
        "ken-rule": "#dfdbd1",
        "ken-select": "#e8f0ec",
        "ken-focus": "#cfe5dc",
        "ken-word": "#8f4f00",
        "ken-link": "#3a62b8",
        "ken-mark-1": "#fbf5dc",
        "ken-mark-2": "#f8e9b0",
        "ken-mark-3": "#f3d877",
        "input-cursor-background": "#1b7a63",
        "input-cursor-foreground": "#fcfbf8",
        "input-selection-background": "#cfe5dc",
        "scrollbar": "#dfdbd1",
        "scrollbar-hover": "#cbc6b9",
        "scrollbar-active": "#1b7a63",
        "scrollbar-background": "#fcfbf8",
        "scrollbar-background-hover": "#fcfbf8",
        "scrollbar-background-active": "#fcfbf8",
        "scrollbar-corner-color": "#fcfbf8",
    },
)

ANSI = Theme(
    name="ken-ansi",
    ansi=True,
    primary="ansi_cyan",
    secondary="ansi_blue",
    accent="ansi_cyan",
    warning="ansi_yellow",
    error="ansi_red",
    success="ansi_green",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    dark=True,
    variables={
        "ken-dim": "ansi_default",
        "ken-faint": "ansi_bright_black",
        "ken-rule": "ansi_bright_black",
        "ken-select": "ansi_default",
        "ken-focus": "ansi_default",
        "ken-word": "ansi_yellow",
        "ken-link": "ansi_blue",
        "ken-mark-1": "ansi_default",
        "ken-mark-2": "ansi_default",
        "ken-mark-3": "ansi_default",
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
        "border-blurred": "ansi_bright_black",
        "block-cursor-foreground": "ansi_black",
        "block-cursor-background": "ansi_cyan",
        "input-cursor-background": "ansi_cyan",
        "input-cursor-foreground": "ansi_black",
        "input-cursor-text-style": "none",
        "input-selection-background": "ansi_bright_blue",
        "input-selection-foreground": "ansi_black",
    },
)

PLAIN = replace(
    ANSI,
    name="ken-plain",
    variables={
        **ANSI.variables,
        "input-cursor-text-style": "reverse",
        "block-cursor-text-style": "reverse",
    },
)
"""For `NO_COLOR`: what is lit elsewhere is bold, underlined or reversed."""

OWN = (DARK, LIGHT, ANSI)
FIRST = DARK
"""For a name that no theme has."""
AUTO = "auto"
"""Dark or light, as the terminal says that its background is."""

FALLBACK = {
    "ken-dim": "ansi_default",
    "ken-faint": "ansi_bright_black",
    "ken-rule": "ansi_bright_black",
    "ken-select": "ansi_default",
    "ken-focus": "ansi_default",
    "ken-word": "ansi_yellow",
    "ken-link": "ansi_blue",
    "ken-mark-1": "ansi_default",
    "ken-mark-2": "ansi_default",
    "ken-mark-3": "ansi_default",
}


def choose(wanted: str) -> str:
    """The theme's name for a setting: `auto` follows what the terminal says of its background."""
    if wanted and wanted != AUTO:
        return {"dark": DARK.name, "light": LIGHT.name, "ansi": ANSI.name, "plain": PLAIN.name}.get(
            wanted, wanted
        )
    background = os.environ.get("COLORFGBG", "").rsplit(";", 1)[-1]
    return LIGHT.name if background in ("7", "15") else DARK.name
