"""`python -m app.cli`: the command `ken`, where no script of that name is on the path."""

from app.cli import main

main()
