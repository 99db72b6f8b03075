"""A server with OpenAI's `/v1/embeddings` over a real network: `python embedding_server.py CHECKPOINT OTHER`.

Prints its port, and serves until its standard input ends. The first part of a path tells how it misbehaves:
`/redirect/v1/embeddings`; `/exchange` lets the other checkpoint answer from now on. It takes text alone, as
Ollama does, and puts `<bos>` and `<eos>` around it.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from embedder.checkpoints.checkpoint import open_checkpoint
from embedder.engines.choose import build, choose
from embedder.tokenizer import GemmaTokenizer

MOST_TEXTS = 32
ROW = '{"data": [{"index": 0, "embedding": [%s]}]}'
WRONG = {
    "nothing": b"{}",
    "nested": b"[" * 20_000,
    "nan": (ROW % ", ".join(["NaN"] * 768)).encode(),
    "zero": (ROW % ", ".join(["0"] * 768)).encode(),
    "few": (ROW % "1, 2").encode(),
    "words": (ROW % ", ".join(['"1"'] * 768)).encode(),
}
"""Answers that are no vectors, by the part of the path that asks for them."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fault = self.path.split("/")[1]
        number = next(self.server.numbers)
        if fault == "exchange":
            self.server.models.reverse()
            self.answer(200, b"")
        elif fault == "redirect":
            self.answer(307, b"", Location=f"http://127.0.0.1:{self.server.server_port}/v1/embeddings")
        elif fault == "busy" and number % 2 == 0:
            self.answer(503, b"Loading model")
        elif fault == "refuses":
            self.answer(500, b'{"error": "input is too large\x1b[31m"}')
        elif fault == "long":
            self.answer(200, b" " * 2_000_000)
        elif fault in WRONG:
            self.answer(200, WRONG[fault])
        else:
            self.vectors(asked, fault)

    def vectors(self, asked: dict[str, Any], fault: str) -> None:
        texts = asked["input"]
        if asked["model"] != "embeddinggemma" or not 0 < len(texts) <= MOST_TEXTS:
            self.answer(404, b"no such model")
            return
        if fault == "deaf":
            texts = [text.removeprefix("title: ") for text in texts]
        vectors = self.server.models[0].embed(texts)
        rows = [{"index": index, "embedding": vector} for index, vector in enumerate(vectors)]
        self.answer(200, json.dumps({"data": rows[::-1]}).encode())
        if fault == "closes":
            self.close_connection = True

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folders: list[Path]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.numbers = count()
        self.models = [Model(folder) for folder in folders]


class Model:
    def __init__(self, folder: Path) -> None:
        checkpoint = open_checkpoint(folder)
        self._guard = Lock()
        self._tokenizer = GemmaTokenizer.from_folder(folder)
        self._engine = build(
            checkpoint, choose("auto"), "auto", threads=1, memory_mb=None, instructions="auto"
        )

    def embed(self, texts: list[str]) -> list[list[float]]:
        with self._guard:
            return [(3.0 * self._engine.run([ids])[0]).tolist() for ids in self._tokenizer.encode(texts).ids]


if __name__ == "__main__":
    server = Server([Path(folder) for folder in sys.argv[1:]])
    Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()
