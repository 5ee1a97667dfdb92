"""``python -m wherry`` is the command ``wherry``."""

from wherry.cli.main import main

main()
