"""``python -m dhc``."""

from dhc.cli import main

main()
