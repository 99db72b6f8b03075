"""`ken mcp`: answer an assistant's questions over MCP on standard input and output."""

from __future__ import annotations

import click

from app.errors import UsageInvalid


@click.command()
@click.option("--no-daemon", is_flag=True, help="Answer in this process, whether or not a daemon runs.")
def mcp(no_daemon: bool) -> None:
    """Serve search to an assistant over MCP, on standard input and output.

    Four tools that only read: search, read, similar, status. Needs the extra: pip install 'ken-search[mcp]'.
    """
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
        server(library).run()
