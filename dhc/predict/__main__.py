"""``python -m dhc.predict --idle 300``: the warm helper process, asked through its standard input."""

from __future__ import annotations

import argparse
import os

from dhc.files.messages import own_pipes
from dhc.predict.helper import MEMORY, serve


def main() -> None:
    """Answer until nobody asks any more."""
    parser = argparse.ArgumentParser(prog="python -m dhc.predict", description=__doc__)
    parser.add_argument("--idle", type=float, default=300.0, help="seconds without a question after which it ends")
    parser.add_argument("--memory", type=int, default=MEMORY, help="bytes above which it ends")
    arguments = parser.parse_args()
    inlet, outlet = own_pipes()
    serve(inlet, outlet, idle=arguments.idle, memory=arguments.memory)
    os._exit(0)  # the thread that reads holds the inlet, and Keras takes a second to end by itself


if __name__ == "__main__":
    main()
