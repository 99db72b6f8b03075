"""The macros of mdoc(7) that stand in a line of text: `Op Fl v Ar file` is `[-v file]`.

Owns what each adds to the words behind it. Knows no blocks: sections and lists are `man`'s.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_GLUE = "\ufdee"
"""Stands where no blank is set; no text has it, for Unicode keeps it for use inside programs."""
_PLAIN = frozenset(
    {"Ad", "An", "Cd", "Cm", "Dv", "Em", "Er", "Ev", "Fa", "Fr", "Ft", "Ic", "Lb", "Li", "Lk", "Ms", "Mt",
     "No", "Pa", "St", "Sx", "Sy", "Tn", "Va", "Vt"}
)  # fmt: skip
_SETTING = frozenset({"Sm", "Bk", "Ek", "Tg", "Bf", "Ef"})
"""Say how the words behind them are set."""
_AROUND = {
    "Aq": "<>", "Bq": "[]", "Brq": "{}", "Dq": "“”", "Op": "[]", "Pq": "()", "Ql": "‘’", "Qq": '""',
    "Sq": "‘’",
}  # fmt: skip
_ENDS = {
    "Ao": "<", "Bo": "[", "Bro": "{", "Do": "“", "Oo": "[", "Po": "(", "Qo": '"', "So": "‘", "Xo": "",
    "Ac": ">", "Bc": "]", "Brc": "}", "Dc": "”", "Oc": "]", "Pc": ")", "Qc": '"', "Sc": "’", "Xc": "",
}  # fmt: skip
_SYSTEMS = {
    "At": "AT&T UNIX", "Bx": "BSD", "Bsx": "BSD/OS", "Dx": "DragonFly", "Fx": "FreeBSD", "Nx": "NetBSD",
    "Ox": "OpenBSD", "Ux": "UNIX",
}  # fmt: skip
_WITH_ARGUMENTS = frozenset({"Ar", "Ex", "Fl", "Fn", "Fo", "In", "Nm", "Rv", "Xr", *_SYSTEMS})
_BETWEEN = {"Ns": _GLUE, "Ap": f"{_GLUE}'{_GLUE}", "Ta": "\t", "Fc": f"{_GLUE})"}
_MACROS = frozenset({*_PLAIN, *_AROUND, *_ENDS, *_WITH_ARGUMENTS, *_BETWEEN, *_SETTING, "Pf"})
_EXITS = "The {} utility exits 0 on success, and >0 if an error occurs."
_RETURNS = (
    "The {} function returns the value 0 if successful; otherwise the value -1 is returned and the global "
    "variable errno is set to indicate the error."
)
_CLOSING = frozenset(".,:;)]?!")
_OPENING = frozenset("([")


class Mdoc:
    """The macros of one page, which know its name."""

    def __init__(self) -> None:
        self.name = ""

    def is_known(self, macro: str) -> bool:
        """Whether the macro, at the beginning of a line, has words."""
        return macro in _MACROS - _SETTING or macro.startswith("%")

    def words(self, tokens: Sequence[str]) -> str:
        """A macro and its arguments, or arguments alone, as words."""
        parts = self._parts(list(tokens))
        return re.sub(rf" *{_GLUE}[{_GLUE} ]*", "", " ".join(part for part in parts if part)).strip(" ")

    def _parts(self, tokens: list[str]) -> list[str]:
        parts: list[str] = []
        while tokens:
            token = tokens.pop(0)
            if token in _AROUND:
                parts += self._around(_AROUND[token], tokens)
                break
            if token in _WITH_ARGUMENTS:
                arguments = _taken(tokens)
                parts.append(self._with_arguments(token, arguments))
            elif token == "Pf":
                parts.append(f"{tokens.pop(0)}{_GLUE}" if tokens else "")
            elif token in _ENDS:
                parts.append(_ENDS[token] + _GLUE if token.endswith("o") else _GLUE + _ENDS[token])
            elif token in _BETWEEN:
                parts.append(_BETWEEN[token])
            elif token not in _PLAIN and token not in _SETTING and not token.startswith("%"):
                parts.append(_glue(token))
        return parts

    def _around(self, signs: str, tokens: list[str]) -> list[str]:
        """All words to the end of the line between two signs; points and commas behind them stay outside."""
        behind: list[str] = []
        while tokens and tokens[-1] in _CLOSING:
            behind.insert(0, _glue(tokens.pop()))
        return [signs[0] + _GLUE, *self._parts(tokens), _GLUE + signs[1], *behind]

    def _with_arguments(self, macro: str, arguments: list[str]) -> str:
        first = arguments[0] if arguments else ""
        rest = arguments[1:]
        match macro:
            case "Fl":
                return " ".join(f"-{one}" for one in arguments) or "-"
            case "Ar":
                return " ".join(arguments) or "file ..."
            case "Nm":
                self.name = self.name or first
                return " ".join(arguments) or self.name
            case "Xr" if rest:
                return " ".join([f"{first}({rest[0]})", *rest[1:]])
            case "Fn" | "Fo" if first:
                return f"{first}({', '.join(rest)})" if macro == "Fn" else f"{first}({_GLUE}"
            case "In":
                return f"#include <{first}>"
            case "Ex" | "Rv":
                names = ", ".join(one for one in arguments if one != "-std") or self.name
                return (_EXITS if macro == "Ex" else _RETURNS).format(names)
        if macro in _SYSTEMS:
            return (
                f"{first}{_SYSTEMS[macro]}"
                if first and macro == "Bx"
                else " ".join([_SYSTEMS[macro], *arguments])
            )
        return " ".join(arguments)


def _taken(tokens: list[str]) -> list[str]:
    """The tokens up to the next macro or sign, taken away from the rest."""
    taken: list[str] = []
    while tokens and tokens[0] not in _MACROS and tokens[0] not in _CLOSING and tokens[0] not in ("|", "("):
        taken.append(tokens.pop(0))
    return taken


def _glue(token: str) -> str:
    """A sign without the blank that would part it from its word."""
    if token in _CLOSING:
        return _GLUE + token
    return token + _GLUE if token in _OPENING else token
