"""Benchmark `credential-kinds`: of how many kinds of credentials and telling names ken takes notice.

Owns counting over the samples of the tests: each text must have its secret withheld, each name be left out,
and the ordinary names must not be. What is taken for a credential in ordinary files is `credentials`' to say.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from index.credentials import credentials
from index.walk.credential_names import matching_pattern
from tests.support.credential_names import HELD, ORDINARY
from tests.support.credential_samples import LABELS, Sample, every

_GROUPS = {
    "token": "tokens with a published beginning or form",
    "key": "private keys",
    "form": "addresses, headers, settings, commands",
    "label": "names of passwords, by language and script",
    "written": "as people write them",
}


@dataclass(slots=True)
class Group:
    """Samples of one sort."""

    name: str
    kinds: int
    samples: int
    found: int
    missed: list[str] = field(default_factory=list)


def run() -> list[Group]:
    """Look through every sample and every name."""
    samples = every()
    groups = [
        _texts(name, {k: s for k, s in samples.items() if k.startswith(f"{name}: ")}) for name in _GROUPS
    ]
    held = [name for name in HELD if matching_pattern(f"/x/{name}", folder=False)]
    left = [name for name in ORDINARY if not matching_pattern(f"/x/{name}", folder=False)]
    return [
        *groups,
        Group("names of files with credentials", len(HELD), len(HELD), len(held), _rest(HELD, held)),
        Group(
            "ordinary names, not taken for one",
            len(ORDINARY),
            len(ORDINARY),
            len(left),
            _rest(ORDINARY, left),
        ),
    ]


def _texts(name: str, samples: dict[str, Sample]) -> Group:
    found = [key for key, sample in samples.items() if _is_found(sample)]
    kinds = len(LABELS) if name == "label" else len(samples)
    return Group(_GROUPS[name], kinds, len(samples), len(found), _rest(list(samples), found))


def _is_found(sample: Sample) -> bool:
    at = sample.text.index(sample.secret)
    return any(a <= at and at + len(sample.secret) <= b for a, b in credentials(sample.text))


def _rest(all_of: list[str], found: list[str]) -> list[str]:
    return [name for name in all_of if name not in found]


def as_json(result: list[Group]) -> dict[str, object]:
    return {"groups": [asdict(group) for group in result]}


def table(result: list[Group]) -> str:
    lines = [f"{'':45}{'kinds':>7}{'samples':>9}{'right':>7}"]
    for group in result:
        lines.append(f"{group.name:45}{group.kinds:>7}{group.samples:>9}{group.found:>7}")
        lines += [f"    missed: {name}" for name in group.missed]
    return "\n".join(lines)
