"""`ken mcp`: answer an assistant over MCP, on standard input and output or over HTTP; `ken mcp install`."""

from __future__ import annotations

import click

from app.cli import terminal
from app.errors import UsageInvalid
from app.mcp.clients import CLIENTS

_PORT = 8377


@click.group(invoke_without_command=True)
@click.option("--http", is_flag=True, help="Serve over HTTP on this machine, to whoever shows the token.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=_PORT,
    show_default=True,
    help="The port of --http; 0 takes any that is free.",
)
@click.option("--no-daemon", is_flag=True, help="Answer in this process, whether or not a daemon runs.")
@click.pass_context
def mcp(context: click.Context, http: bool, port: int, no_daemon: bool) -> None:
    """Serve search to an assistant over MCP.

    On standard input and output, or with --http over HTTP. Tools that only read: bundle, search, read,
    read_many, outline, similar, recent, status. Needs the extra: pip install 'ken-search[mcp]'.
    """
    if context.invoked_subcommand is not None:
        return
    try:
        from app.mcp.server import server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "mcp":
            raise
        raise UsageInvalid(
            "The package that speaks MCP is not installed.", "Install it: pip install 'ken-search[mcp]'"
        ) from None
    from app.connect import open_library

    with open_library(daemon=not no_daemon) as library:
        if not http:
            server(library).run()
            return
        from app.mcp import http as over_http

        listening = over_http.listen(port)
        token = over_http.token()
        host, port = listening.getsockname()
        terminal.say(f"http://{host}:{port}{over_http.PATH}   token: {over_http.token_path()}")
        over_http.serve(server(library), listening, token)


@mcp.command()
@click.argument("client", metavar="CLIENT", type=click.Choice(list(CLIENTS)))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--print", "only_print", is_flag=True, help="Print what would be written, and write nothing.")
def install(client: str, yes: bool, only_print: bool) -> None:
    """Add ken to the configuration of CLIENT, and show it first."""
    from app.mcp import clients

    chosen = clients.CLIENTS[client]
    terminal.result(f"{chosen.path}\n\n{clients.entry_text(chosen)}")
    if only_print:
        return
    if not yes:
        click.confirm("\nAdd this to the file?", abort=True, err=True)
    if clients.install(chosen):
        terminal.say(f"Written. Start {client} again; what was in the file is beside it, in .before-ken.")
    else:
        terminal.say("The file has it already.")
