from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.tiny_model import make_tiny_checkpoint
from tokenizers import Tokenizer

from embedder.errors import InputInvalid, ModelInvalid
from embedder.tokenizer import GemmaTokenizer

pytestmark = pytest.mark.fast

SNIPPETS = """garden | the|  |▁|▁▁▁|<h1>|</h|</b|<bos>|<eos>|<unused7>|>▁</|東京は|Москва|नमस्ते|ἀρχῇ
|👩‍👩‍👧|return|ﷺ
|<0x41>|<table>|<image_soft_token>|123456|aaaaaaaaaaaa|[multimodal]|[multi|กรุงเทพ|שלום|สวัสดี|안녕하세요|<start_of_turn>"""
CONTROLS = [
    "\n",
    "\n\n\n",
    "\n" * 40,
    "\t",
    "\t\t ",
    "\x00",
    "\x1b[31m",
    "\r\n",
    "\u200b",
    "\ufeff",
    "e\u0301",
]
PIECES = st.sampled_from(SNIPPETS.replace("\n", "").split("|") + CONTROLS)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    st.lists(PIECES, max_size=30).map("".join),
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_checkpoint(tmp_path_factory.mktemp("tiny"))


@given(text=TEXTS)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_ids_equal_the_reference_library_s(tiny: Path, text: str) -> None:
    check_equal(tiny, text)


def test_texts_are_cut_at_the_context_length_and_reported(tiny: Path) -> None:
    tokenizer = GemmaTokenizer.from_folder(tiny)
    (one,) = tokenizer.count(["garden"])
    fitting = "garden" * ((tokenizer.context_length - 2) // one)
    encoded = tokenizer.encode([fitting, fitting * 2, "garden", "", " \t\n"])
    assert encoded.truncated == [False, True, False, False, False]
    assert [len(ids) for ids in encoded.ids[:2]] == [tokenizer.count([fitting])[0] + 2, 2048]
    assert all(ids[0] == 2 and ids[-1] == 1 for ids in encoded.ids)
    assert encoded.ids[3] == [2, 1]
    assert tokenizer.encode([fitting], max_tokens=10).ids[0] == [*encoded.ids[0][:9], 1]


def test_a_prompt_is_counted_in_the_limit_and_joined_to_the_text(tiny: Path) -> None:
    tokenizer = GemmaTokenizer.from_folder(tiny)
    whole = tokenizer.encode(["title: none | text: the garden"])
    assert tokenizer.encode(["the garden"], ["title: none | text: "]) == whole


def test_megabytes_without_a_space_are_answered(tiny: Path) -> None:
    tokenizer = GemmaTokenizer.from_folder(tiny)
    text = "a" * 10_000_000
    assert tokenizer.encode([text]).truncated == [True]
    assert 0 < tokenizer.count([text])[0] <= len(text)


@given(text=st.text(st.characters(), max_size=50))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lone_surrogates_count_as_replacement_characters(tiny: Path, text: str) -> None:
    tokenizer = opened(tiny, GemmaTokenizer)
    clean = re.sub("[\ud800-\udfff]", "\ufffd", text)
    assert tokenizer.encode([text, f"{text}\udfff"]).ids == tokenizer.encode([clean, f"{clean}\ufffd"]).ids


def test_only_strings_are_taken(tiny: Path) -> None:
    with pytest.raises(InputInvalid, match="int"):
        GemmaTokenizer.from_folder(tiny).encode([3])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"normalizer": None}, "normalizer"),
        ({"pre_tokenizer": {"type": "ByteLevel"}}, "pre_tokenizer"),
        ({"model": {"type": "Unigram", "vocab": [], "merges": []}}, "model"),
        (
            {"model": {"type": "BPE", "byte_fallback": True, "vocab": {}, "merges": [["a", "b"]]}},
            "not a whole",
        ),
        ({"added_tokens": [{}]}, "not a whole"),
    ],
)
def test_another_kind_of_tokenizer_is_refused(
    tiny: Path, tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    for name in ("config.json", "tokenizer.json"):
        shutil.copy(tiny / name, tmp_path)
    contents = json.loads((tmp_path / "tokenizer.json").read_text())
    (tmp_path / "tokenizer.json").write_text(json.dumps(contents | change))
    with pytest.raises(ModelInvalid, match=named):
        GemmaTokenizer.from_folder(tmp_path)


@pytest.mark.parametrize("contents", [b"", b"[]", b"{", b"[" * 100_000, b"\xff\xfe", None])
def test_a_broken_tokenizer_file_is_refused(tiny: Path, tmp_path: Path, contents: bytes | None) -> None:
    shutil.copy(tiny / "config.json", tmp_path)
    if contents is not None:
        (tmp_path / "tokenizer.json").write_bytes(contents)
    with pytest.raises(ModelInvalid):
        GemmaTokenizer.from_folder(tmp_path)


def test_tables_are_kept_and_made_anew_when_damaged_or_out_of_date(
    tiny: Path, tmp_path: Path, home: Path
) -> None:
    for name in ("config.json", "tokenizer.json"):
        shutil.copy(tiny / name, tmp_path)
    expected = GemmaTokenizer.from_folder(tmp_path).encode(["the garden"])
    (kept,) = (home / "models" / ".tokenizers").iterdir()
    kept.write_bytes(b"\xff" * 100)
    assert GemmaTokenizer.from_folder(tmp_path).encode(["the garden"]) == expected
    contents = json.loads((tmp_path / "tokenizer.json").read_text())
    contents["model"]["merges"] = []
    (tmp_path / "tokenizer.json").write_text(json.dumps(contents))
    assert len(GemmaTokenizer.from_folder(tmp_path).encode(["garden"]).ids[0]) == len("garden") + 2


def check_equal(folder: Path, text: str) -> None:
    reference = opened(folder, Tokenizer)
    ours = opened(folder, GemmaTokenizer)
    expected = reference.encode(text).ids
    vocabulary = ours._vocab_size
    assert ours.encode([text]).ids[0] == [number if number < vocabulary else 3 for number in expected]
    assert ours.count([text]) == [len(expected) - 2]


OPENED: dict[tuple[Path, type], Any] = {}


def opened(folder: Path, kind: type) -> Any:
    if (folder, kind) not in OPENED:
        one = (
            Tokenizer.from_file(str(folder / "tokenizer.json"))
            if kind is Tokenizer
            else kind.from_folder(folder)
        )
        OPENED[folder, kind] = one
    return OPENED[folder, kind]


@pytest.mark.model
@given(text=TEXTS)
@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.slow
def test_real_ids_equal_the_reference_library_s(real_models: Path, text: str) -> None:
    check_equal(real_models / "embeddinggemma-300m", text)


@pytest.mark.model
@given(
    number=st.text("0123456789", min_size=1, max_size=60),
    before=st.sampled_from(["", " ", "\n", "\t", "\n\n"]),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_real_digit_is_a_token_whatever_it_is(real_models: Path, number: str, before: str) -> None:
    count = opened(real_models / "embeddinggemma-300m", GemmaTokenizer).count
    assert count([before + number]) == [count([before])[0] + len(number)]
