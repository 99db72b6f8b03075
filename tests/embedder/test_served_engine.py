"""A server as the engine: a real process that answers over HTTP, and what is not accepted from one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import embedding_server
from support.tiny_home import ken, notes
from support.tiny_model import make_tiny_checkpoint

import embedder
from embedder.checkpoints.tokenizer_tables import tokenizer_tables
from embedder.decoder import Decoder
from embedder.engines import served
from embedder.engines.server_address import Server, endpoint_of, is_private
from embedder.errors import EngineUnavailable, PrecisionUnavailable, VectorsWrong
from embedder.tokenizer import GemmaTokenizer

TEXTS = ["Bees dance.", "  two  spaces\n\n<h1>東京 ☃ \U0001f9ff", "long " * 3000, *map(str, range(60))]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    make_tiny_checkpoint(folder / "embeddinggemma-300m")
    make_tiny_checkpoint(folder / "other", seed=1)
    return folder


@pytest.fixture(scope="module")
def server(models: Path) -> Iterator[str]:
    command = [sys.executable, embedding_server.__file__, models / "embeddinggemma-300m", models / "other"]
    root = Path(embedder.__file__).parent.parent
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={"PYTHONPATH": str(root)},
    ) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.communicate()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "_PAUSES", (0.0, 0.0))


def load(models: Path, address: str, name: str = "embeddinggemma-300m", **options: str) -> embedder.Embedder:
    return embedder.load(models / name, engine=Server(address, **options))


def test_the_vectors_are_those_of_the_model(models: Path, server: str, home: Path) -> None:
    with embedder.load(models / "embeddinggemma-300m") as here, load(models, server) as there:
        assert there.fingerprint == here.fingerprint
        np.testing.assert_allclose(there.embed_query("tea"), here.embed_query("tea"), atol=1e-5)
        mine, theirs = here.embed(TEXTS), there.embed(TEXTS)
        assert mine.truncated == theirs.truncated
        cosines = (mine.vectors * theirs.vectors).sum(axis=1)
        assert cosines.min() > 0.9999, cosines.round(4)


def test_a_connection_is_kept(models: Path, server: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, connect = [], served._connection
    monkeypatch.setattr(served, "_connection", lambda endpoint: made.append(endpoint) or connect(endpoint))
    with load(models, server) as there:
        for _ in range(3):
            there.embed_documents(["one", "two"])
    assert len(made) == 1


@pytest.mark.parametrize("fault", ["closes", "busy"])
def test_a_request_that_may_go_well_is_made_again(fault: str, models: Path, server: str, home: Path) -> None:
    with load(models, f"{server}/{fault}/v1/") as there:
        assert there.embed_documents(["one", "two"]).shape == (2, 768)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("redirect", "says 307"),
        ("refuses", r'says 500: {"error": "input is too large \[31m"}'),
        ("long", "too long"),
        *(
            (fault, "no list of vectors|is not 1 vectors|without direction")
            for fault in embedding_server.WRONG
        ),
    ],
)
def test_what_is_no_answer_is_refused(fault: str, told: str, models: Path, server: str, home: Path) -> None:
    with pytest.raises(EngineUnavailable, match=told):
        load(models, f"{server}/{fault}")


def test_a_server_with_another_model_is_refused(models: Path, server: str, home: Path) -> None:
    for _ in range(2):  # a passed test is not remembered either: the next start asks again
        with pytest.raises(VectorsWrong, match="differs from the reference"):
            load(models, server, "other")
    with pytest.raises(VectorsWrong, match="differs from the reference"):
        load(models, f"{server}/deaf")


def test_a_model_exchanged_while_ken_runs_is_noticed(models: Path, server: str, home: Path) -> None:
    def exchange() -> None:
        connection = HTTPConnection(server.removeprefix("http://"))
        connection.request("POST", "/exchange", b"{}")
        connection.getresponse().read()
        connection.close()

    with load(models, f"{server}/closes") as there:
        there.embed_documents(["one"])
        exchange()
        try:
            with pytest.raises(VectorsWrong, match="another model than before"):
                there.embed_documents(["one"])
        finally:
            exchange()
        there.embed_documents(["one"])


def test_no_server_and_no_such_precision_are_told(models: Path, server: str, home: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"No answer .*refused"):
        load(models, "http://127.0.0.1:1")
    with pytest.raises(EngineUnavailable, match="404"):
        load(models, server, model="bge")
    with pytest.raises(PrecisionUnavailable):
        embedder.load(models / "embeddinggemma-300m", engine=Server(server), precision="bf16")


def test_texts_stay_on_private_networks(
    models: Path, server: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address in ("127.0.0.1", "::1", "192.168.1.7", "10.0.0.1", "100.64.1.1", "fd00::1", "fe80::1%eth0"):
        assert is_private(address), address
    for address in ("8.8.8.8", "::ffff:8.8.8.8", "2001:4860:4860::8888", "224.0.0.1"):
        assert not is_private(address), address
    monkeypatch.setattr(served, "is_loopback", lambda address: False)
    with pytest.raises(EngineUnavailable, match="KEN_OFFLINE"):
        load(models, server)
    monkeypatch.delenv("KEN_OFFLINE")
    # no public machine can be reached from a test: this one passes for one
    monkeypatch.setattr(served, "is_private", lambda address: False)
    with pytest.raises(EngineUnavailable, match="outside this machine"):
        load(models, server)
    with embedder.load(models / "embeddinggemma-300m", engine=Server(server, public=True)) as there:
        assert there.embed_documents(["one"]).shape == (1, 768)


@pytest.mark.parametrize(
    "address",
    [
        "http://",
        "http://:80",
        "http://me:xyz@h",
        "http://h:99999",
        "http://h/?q",
        "http://[::1",
        "http://h\x1b",
        "ftp://h",
    ],
)
def test_what_is_no_address_is_told(address: str) -> None:
    with pytest.raises(EngineUnavailable) as error:
        endpoint_of(address)
    assert "xyz" not in error.value.what


def test_an_address_may_name_the_interface_too() -> None:
    whole = "/v1/embeddings"
    paths = [endpoint_of(f"http://h{path}").path for path in ("", "/", "/v1", "/v1/", whole, "/a/v1", "/a")]
    assert paths == [whole] * 5 + ["/a" + whole] * 2
    assert endpoint_of("https://[::1]/").port == 443


@pytest.fixture(scope="module")
def codec(models: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[GemmaTokenizer, Decoder]:
    folder, tables = models / "embeddinggemma-300m", tmp_path_factory.mktemp("tables")
    decoder = Decoder(tokenizer_tables(folder / "tokenizer.json", tables))
    return GemmaTokenizer.from_folder(folder, models=tables), decoder


@settings(max_examples=30)
@given(text=st.text())
def test_the_decoder_inverts_the_tokenizer(codec: tuple[GemmaTokenizer, Decoder], text: str) -> None:
    tokenizer, decoder = codec
    ids = tokenizer.encode([text]).ids[0]
    decoded = decoder.decode(ids[1:-1])
    assert tokenizer.encode([decoded]).ids[0] == ids
    assert decoded.replace("▁", " ") == text.replace("▁", " ") or any("\ud800" <= c <= "\udfff" for c in text)


def test_ken_indexes_and_searches_through_it(
    models: Path, server: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEN_MODELS", str(models))
    folder = notes(tmp_path / "notes", tea__md="Green tea with mint.", bread__md="Bread needs salt and time.")
    assert ken("config", "model.engine", server).exit_code == 0
    assert ken("index", folder).exit_code == 0
    assert "tea.md" in ken("search", "green tea").stdout
    assert f"on {server}" in ken("status").stdout
    assert f"Engine: {server} gives vectors" in ken("doctor").stdout
    ken("config", "model.engine", "http://127.0.0.1:1")
    assert "No answer from the server" in ken("doctor").stdout
    result = ken("config", "model.engine", "gopher://h")
    assert result.exit_code and "or an address like http://127.0.0.1:8080" in result.stderr
