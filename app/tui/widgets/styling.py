"""Styles of parts of a widget, as laid over what is below them."""

from __future__ import annotations

from textual.style import Style
from textual.widget import Widget


def part(widget: Widget, name: str) -> Style:
    """What the style sheet says of a component class, and nothing that it does not say.

    `Widget.get_visual_style(partial=True)` would drop the background.
    """
    styles = widget.get_component_styles(name)
    text = styles.text_style
    return Style(
        background=styles.background if styles.has_rule("background") else None,
        foreground=styles.color if styles.has_rule("color") else None,
        bold=text.bold,
        dim=text.dim,
        italic=text.italic,
        underline=text.underline,
        reverse=text.reverse,
    )
