"""Programming languages: the names of their files, and the lines that begin a definition.

Owns a table, in which a language is one line. A pattern is matched at the start of a line after its
indentation; its group `name` is the name of the definition.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_WORD = r"(?P<name>[\w$]+)"
_MODIFIERS = (
    r"(?:(?:public|private|protected|internal|static|final|abstract|sealed|open|override|virtual|async|partial|"
    r"export|default|declare|pub(?:\([^)]*\))?|unsafe|extern(?:[ ]\"[^\"]*\")?|const|inline|data|case|implicit|lazy|"
    r"suspend|readonly|mutating|fileprivate|synchronized|native|external|operator|infix|tailrec)[ ]+)*"
)
_TYPES = r"(?:class|struct|enum(?:[ ]class)?|interface|trait|union|namespace|record|protocol|extension|object|module|mixin|actor)"
# A call and a control statement look like a C function without its type: two words must be before `(`.
_TYPED_FUNCTION = (
    r"(?!(?:return|else|new|throw|case|goto|typedef|using|delete|await|yield|if|for|while|switch)\b)"
    r"(?:[A-Za-z_][\w:<>,\[\]*&?.]*[ ]+[*&]*)+(?:\w+::)*(?P<name2>~?\w+)[ ]?\([^;]*$"
)
_BRACES = _MODIFIERS + rf"{_TYPES}[ ]+{_WORD}"

_FAMILIES = {
    "python": rf"(?:async[ ]+)?def[ ]+{_WORD}|class[ ]+(?P<name2>\w+)",
    "c": rf"(?:typedef[ ]+)?{_BRACES}|{_TYPED_FUNCTION}|\#define[ ]+(?P<name3>\w+)\(",
    "jvm": rf"{_BRACES}|{_MODIFIERS}(?:fun|def)[ ]+(?:<[^>]*>[ ]*)?(?:[\w.]+\.)?(?P<name3>\w+)|{_MODIFIERS}{_TYPED_FUNCTION}",
    "js": rf"{_BRACES}|{_MODIFIERS}(?:function[ *]+(?P<name2>[\w$]+)|(?:const|let|var)[ ]+(?P<name3>[\w$]+)[ ]*(?::[^=]+)?=[ ]*"
    r"(?:async[ ]*)?(?:function\b|\([^)]*\)[^=]*=>|[\w$]+[ ]*=>)|type[ ]+(?P<name4>\w+)[ ]*[=<])"
    r"|(?!(?:if|for|while|switch|catch|return|function|with)\b)(?:(?:static|async|get|set|public|private|protected|readonly)[ ]+)*"
    r"(?P<name5>\#?[\w$]+)[ ]?\([^;]*\)[^;=]*\{[ ]*$",
    "rust": _MODIFIERS
    + r"(?:(?:fn|struct|enum|trait|union|mod|type|macro_rules!)[ ]+(?P<name>\w+)|impl\b(?P<name2>[^{;]*))",
    "go": r"func[ ]+(?P<name2>\([^)]*\)[ ]*\w+|\w+)|type[ ]+(?P<name>\w+)",
    "ruby": r"(?:def|class|module)[ ]+(?:self\.)?(?P<name>[\w:?!=<>]+)",
    "swift": _MODIFIERS + rf"(?:func[ ]+(?P<name2>\w+)|{_TYPES}[ ]+{_WORD}|(?P<name3>init)\b[?(])",
    "php": rf"{_BRACES}|{_MODIFIERS}function[ ]+&?(?P<name2>\w+)",
    "shell": r"(?:function[ ]+(?P<name2>[\w:-]+)|(?P<name>[\w:-]+)[ ]*\(\)[ ]*\{?)",
    "lisp": r"\((?:def[\w*!-]*|ns|cl-def\w+|define[\w-]*)[ ]+\(?(?P<name>[^\s()]+)",
    "haskell": r"(?:(?:data|newtype|type|class|instance|module)[ ]+(?P<name>[\w.]+)|(?P<name2>[a-z_][\w']*)[ ]+::)",
    "ml": r"(?:(?:let|and|val|type|module|exception|member)[ ]+(?:rec[ ]+|inline[ ]+)?(?P<name>[\w.']+))",
    "elixir": r"(?:def(?:module|p|macro|macrop|protocol|impl|struct)?)[ ]+(?P<name>[\w.?!]+)",
    "erlang": r"(?P<name>[a-z]\w*)\([^)]*\)[^.;]*->",
    "lua": r"(?:local[ ]+)?function[ ]+(?P<name>[\w.:]+)",
    "perl": r"(?:sub|package)[ ]+(?P<name>[\w:]+)",
    "r": r"(?P<name>[\w.]+)[ ]*(?:<-|=)[ ]*function\b",
    "julia": r"(?:(?:mutable[ ]+)?(?:function|struct|module|macro)|abstract[ ]+type)[ ]+(?P<name>[\w.!]+)",
    "sql": r"create[ ]+(?:or[ ]+replace[ ]+)?(?:\w+[ ]+)?(?:table|view|function|procedure|trigger|index|type)[ ]+"
    r"(?:if[ ]+not[ ]+exists[ ]+)?(?P<name>[\w.\"`\[\]]+)",
    "pascal": r"(?:procedure|function|constructor|destructor|unit|program|type)[ ]+(?P<name>[\w.]+)",
    "ada": r"(?:procedure|function|package(?:[ ]+body)?|task|type)[ ]+(?P<name>[\w.]+)",
    "fortran": r"(?:[\w()*= ]+[ ])?(?:subroutine|function|module|program)[ ]+(?P<name>\w+)",
    "css": r"(?P<name>[^{}\s@/][^{}]*?)[ ]*\{[ ]*$|@(?:media|keyframes|mixin|supports)[ ]+(?P<name2>[^{]+)",
    "hcl": r"(?:resource|data|module|variable|output|provider|locals)\b[ ]*(?P<name>[^{]*)\{",
    "proto": r"(?:message|service|enum|rpc|type|input|interface|query|mutation)[ ]+(?P<name>\w+)",
    "make": r"(?P<name>[\w./%-]+)[ ]*:(?![=:])",
    "nix": r"(?P<name>[\w.-]+)[ ]*=[ ]*(?:\{|[\w-]+:)",
    "zig": r"(?:pub[ ]+)?(?:export[ ]+)?(?:inline[ ]+)?(?:fn[ ]+(?P<name>\w+)|const[ ]+(?P<name2>\w+)[ ]*=[ ]*(?:extern[ ]+|packed[ ]+)?(?:struct|enum|union))",
    "asm": r"(?P<name>[A-Za-z_.][\w.]*):",
    "none": r"(?!)",
}
_IGNORING_CASE = frozenset({"sql", "pascal", "ada", "fortran"})


@dataclass(frozen=True, slots=True)
class Language:
    """One language; `definition` matches from the first character of a line that is not blank."""

    name: str
    family: str
    suffixes: tuple[str, ...]
    names: tuple[str, ...] = ()
    definition: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        flags = re.IGNORECASE if self.family in _IGNORING_CASE else re.NOFLAG
        object.__setattr__(self, "definition", re.compile(_FAMILIES[self.family], flags))


_TABLE = (
    ("python", "python", ".py .pyi .pyw .pyx", "SConstruct wscript"),
    ("javascript", "js", ".js .mjs .cjs .jsx", ""),
    ("typescript", "js", ".ts .mts .cts .tsx", ""),
    ("vue", "js", ".vue .svelte .astro", ""),
    ("java", "jvm", ".java", ""),
    ("kotlin", "jvm", ".kt .kts", ""),
    ("scala", "jvm", ".scala .sc", ""),
    ("groovy", "jvm", ".groovy .gradle", "Jenkinsfile"),
    ("dart", "jvm", ".dart", ""),
    ("c#", "jvm", ".cs .csx", ""),
    ("c", "c", ".c .h", ""),
    ("c++", "c", ".cpp .cc .cxx .hpp .hh .hxx .ipp .inl", ""),
    ("objective-c", "c", ".m .mm", ""),
    ("cuda", "c", ".cu .cuh", ""),
    ("metal", "c", ".metal .glsl .hlsl .wgsl .frag .vert", ""),
    ("rust", "rust", ".rs", ""),
    ("go", "go", ".go", ""),
    ("swift", "swift", ".swift", ""),
    ("ruby", "ruby", ".rb .rake .gemspec", "Rakefile Gemfile Podfile Vagrantfile"),
    ("crystal", "ruby", ".cr", ""),
    ("php", "php", ".php", ""),
    ("shell", "shell", ".sh .bash .zsh .fish .ksh", ""),
    ("powershell", "lua", ".ps1 .psm1", ""),
    ("lua", "lua", ".lua", ""),
    ("perl", "perl", ".pl .pm", ""),
    ("r", "r", ".r", ""),
    ("julia", "julia", ".jl", ""),
    ("matlab", "lua", ".octave", ""),
    ("haskell", "haskell", ".hs", ""),
    ("elm", "haskell", ".elm .purs", ""),
    ("ocaml", "ml", ".ml .mli", ""),
    ("f#", "ml", ".fs .fsi .fsx", ""),
    ("elixir", "elixir", ".ex .exs", ""),
    ("erlang", "erlang", ".erl .hrl", ""),
    ("gleam", "rust", ".gleam", ""),
    ("clojure", "lisp", ".clj .cljs .cljc .edn", ""),
    ("lisp", "lisp", ".lisp .cl .el .scm .rkt .ss", ""),
    ("sql", "sql", ".sql .ddl", ""),
    ("pascal", "pascal", ".pas .dpr", ""),
    ("ada", "ada", ".adb .ads", ""),
    ("fortran", "fortran", ".f90 .f95 .f03 .f .for", ""),
    ("zig", "zig", ".zig", ""),
    ("nim", "ruby", ".nim", ""),
    ("solidity", "js", ".sol", ""),
    ("terraform", "hcl", ".tf .hcl", ""),
    ("protobuf", "proto", ".proto .thrift", ""),
    ("graphql", "proto", ".graphql .gql", ""),
    ("css", "css", ".css .scss .sass .less", ""),
    ("nix", "nix", ".nix", ""),
    ("make", "make", ".mk .mak", "Makefile makefile GNUmakefile"),
    ("cmake", "none", ".cmake", "CMakeLists.txt"),
    ("dockerfile", "none", ".dockerfile", "Dockerfile Containerfile"),
    ("assembly", "asm", ".s .asm", ""),
    ("vimscript", "lua", ".vim", ""),
    ("batch", "none", ".bat .cmd", ""),
)
LANGUAGES = tuple((name, family, tuple(s.split()), tuple(n.split())) for name, family, s, n in _TABLE)
TITLES = frozenset(title for title, _, _, _ in LANGUAGES)
"""The values of `Document.language` other than the empty one."""
SUFFIXES = tuple(suffix for _, _, suffixes, _ in LANGUAGES for suffix in suffixes)
NAMES = tuple(name for _, _, _, names in LANGUAGES for name in names)
ALIASES = {
    "py": "python", "python3": "python", "js": "javascript", "node": "javascript", "ts": "typescript",
    "rs": "rust", "golang": "go", "cpp": "c++", "cxx": "c++", "cc": "c++", "csharp": "c#", "cs": "c#",
    "fsharp": "f#", "objc": "objective-c", "sh": "shell", "bash": "shell", "zsh": "shell", "rb": "ruby",
    "kt": "kotlin", "ps1": "powershell", "hs": "haskell", "makefile": "make", "docker": "dockerfile",
    "tf": "terraform", "vim": "vimscript", "asm": "assembly", "jl": "julia", "pl": "perl",
}  # fmt: skip
"""Other words for languages after `lang:`."""
OFFERED = ("python", "rust", "go", "javascript", "typescript", "java", "c", "c++", "ruby", "swift", "shell")
"""The words that completion offers after `lang:`, the most common first."""


class UnknownLanguage(ValueError):
    """A word that names no language. The message completes a sentence that begins with the word."""


def select(word: str) -> str:
    """The language of a word after `lang:`: its name, an alias or a suffix; case is ignored.

    Raises UnknownLanguage with the nearest known word.
    """
    typed = word.strip().lower()
    found = ALIASES.get(typed, typed)
    if found in _SUFFIX_OF:
        return found
    if (name := _BY_SUFFIX.get("." + typed.lstrip("."))) is not None:
        return name
    import difflib  # only a mistake pays for it

    near = difflib.get_close_matches(typed, [*_SUFFIX_OF, *ALIASES], n=1, cutoff=0.6)
    raise UnknownLanguage("is no language" + (f"; did you mean {near[0]}?" if near else ""))


def language_of(name: str, suffix: str) -> Language:
    """The language of a file by its name and lower-case suffix; one without definitions for an unknown file."""
    for title, family, suffixes, names in LANGUAGES:
        if name in names or suffix in suffixes:
            return Language(title, family, suffixes, names)
    return Language("", "none", ())


_INTERPRETER = re.compile(
    r"#![ \t]*\S*?(?:/env(?:[ \t]+(?:-\S+|\w+=\S*))*[ \t]+(?:\S*/)?|/)?([a-z]+)[\d.]*(?:[ \t]|\Z)"
)


def language_of_script(first_line: str) -> Language:
    """The language of a script by the interpreter that its first line names; "" where it names none."""
    found = _INTERPRETER.match(first_line.rstrip())
    named = found[1] if found else ""
    title = ALIASES.get(named, "shell" if named.endswith("sh") else named)
    suffixes = _SUFFIX_OF.get(title)
    return language_of("", suffixes[0]) if suffixes else Language("", "none", ())


_GUESSED = {
    "python": ":", "go": "{", "rust": "{", "swift": "{", "php": "{", "perl": "{", "shell": "{", "javascript": "{",
    "typescript": "{", "java": "{", "c": "{",
}  # fmt: skip
"""Languages that are known by their text alone, and how the line of a definition ends. Of two, the first is meant:
the patterns of later ones match more."""
_LINE_OF_CODE = re.compile(
    r"""(?:\#|//|/?\*|@|\"{3}|'{3})"""
    r"""|.*[;{}()\[\]:,\\]$"""
    r"""|(?:import|from|return|raise|yield|pass|break|continue|print|use|package|include|end)\b"""
    r"""|[\w.\[\]'"]+[ \t]*(?:[-+*/|&%]|<<|>>)?=(?!=)[ \t]*\S"""
)
"""A comment, a line that ends as statements do, a keyword, an assignment."""
_LINES_OF_CODE = 0.5
"""Least share of such lines in a program: nearly all of 7,241 functions have it (measured)."""
_SAID = re.compile(r"(\"{3}|'{3}).*?(?:\1|\Z)|[ \t](?:\#|//)[^\n]*", re.DOTALL)
"""Prose inside a program."""
_LONGEST_LINE = 400


def language_of_text(text: str) -> Language:
    """The language of a program by its lines; "" where the text is no program.

    A program has a definition, and most of its lines look like code.
    """
    lines = [line.strip()[:_LONGEST_LINE] for line in _SAID.sub(r"\1", text).splitlines() if line.strip()]
    likely = sum(_LINE_OF_CODE.match(line) is not None for line in lines)
    if len(lines) < 2 or likely < _LINES_OF_CODE * len(lines):
        return Language("", "none", ())
    guessed = [(language_of("", _SUFFIX_OF[name][0]), end) for name, end in _GUESSED.items()]
    defined = [
        sum(line.endswith((end, "(", ",")) and one.definition.match(line) is not None for line in lines)
        for one, end in guessed
    ]
    most = max(defined)
    return guessed[defined.index(most)][0] if most else Language("", "none", ())


_SUFFIX_OF = {name: suffixes for name, _, suffixes, _ in LANGUAGES}
_BY_SUFFIX = {suffix: name for name, _, suffixes, _ in reversed(LANGUAGES) for suffix in suffixes}
