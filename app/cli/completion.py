"""`ken completion`: the script that teaches a shell to complete ken's commands, options and filters."""

from __future__ import annotations

import os

import click
from click.shell_completion import BashComplete, CompletionItem, FishComplete, ShellComplete, ZshComplete

from app.cli import terminal

_BASH = """\
%(complete_func)s() {
    local IFS=$'\\n' response completion type value
    response=$(env KEN_LINE="${COMP_LINE:0:COMP_POINT}" %(complete_var)s=bash_complete $1)
    for completion in $response; do
        IFS=',' read type value <<< "$completion"
        if [[ $type == 'dir' ]]; then
            COMPREPLY=()
            compopt -o dirnames 2>/dev/null
        elif [[ $type == 'file' ]]; then
            COMPREPLY=()
            compopt -o default 2>/dev/null
        elif [[ $type == 'plain' ]]; then
            COMPREPLY+=("$value")
            [[ $value == *: ]] && compopt -o nospace 2>/dev/null
        fi
    done
    return 0
}
complete -o nosort -F %(complete_func)s %(prog_name)s 2>/dev/null \\
    || complete -F %(complete_func)s %(prog_name)s
"""
"""Before 4.4, as macOS has it, bash knows neither compopt nor nosort."""


class _Bash(BashComplete):
    """Takes the line as it is typed: bash itself cuts words at colons, which filters have."""

    source_template = _BASH

    @staticmethod
    def _check_version() -> None:
        """Nothing: the script runs in whatever bash reads it, and that may not be the one on the path."""

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ.get("KEN_LINE", "")
        words = click.shell_completion.split_arg_string(line)[1:]
        return (words, "") if line[-1:].isspace() or not words else (words[:-1], words[-1])

    def format_completion(self, item: CompletionItem) -> str:
        _, incomplete = self.get_completion_args()
        # Bash puts what it is given in the place of what follows the last colon.
        given = incomplete.rpartition(":")[0]
        value = item.value.removeprefix(f"{given}:") if given else item.value
        return f"{item.type},{value}"


_SHELLS: dict[str, type[ShellComplete]] = {"bash": _Bash, "zsh": ZshComplete, "fish": FishComplete}
click.shell_completion.add_completion_class(_Bash, "bash")


@click.command()
@click.argument("shell", type=click.Choice(list(_SHELLS)))
def completion(shell: str) -> None:
    """Print the completion script for a SHELL.

    bash: eval "$(ken completion bash)" in ~/.bashrc. zsh: the same in ~/.zshrc, after compinit.
    fish: ken completion fish > ~/.config/fish/completions/ken.fish
    """
    from app.cli import main

    terminal.result(_SHELLS[shell](main, {}, "ken", "_KEN_COMPLETE").source())
