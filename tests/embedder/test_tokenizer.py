from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.tiny_model import make_tiny_checkpoint
from tokenizers import Tokenizer

from embedder.tokenizer import GemmaTokenizer

PIECES = st.sampled_from(
    ["garden ", " the", "  ", "\n", "\n\n\n", "\t", "▁", "▁▁▁", "<h1>", "</h", "<bos>", "<eos>", "<unused7>"]
    + [
        ">▁</",
        "東京は",
        "Москва",
        "नमस्ते",
        "ἀρχῇ",
        "👩‍👩‍👧",
        "e\u0301",
        "\x00",
        "\x1b[31m",
        "return",
        "</b",
        "\r\n",
    ]
    + ["<table>", "<image_soft_token>", "<0x41>", "ﷺ", "\u200b", "\ufeff", "123456", "aaaaaaaaaaaa"]
)
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


def check_equal(folder: Path, text: str) -> None:
    reference = opened(folder, Tokenizer)
    ours = opened(folder, GemmaTokenizer)
    expected = reference.encode(text).ids
    vocabulary = ours._vocab_size
    assert ours.encode([text]).ids[0] == [number if number < vocabulary else 3 for number in expected]
    assert ours.count([text]) == [len(expected) - 2]


OPENED: dict[tuple[Path, type], object] = {}


def opened(folder: Path, kind: type) -> object:
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
def test_real_ids_equal_the_reference_library_s(real_models: Path, text: str) -> None:
    check_equal(real_models / "embeddinggemma-300m", text)
