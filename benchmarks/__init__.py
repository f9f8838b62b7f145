"""Where the figures of docs/measured.md come from: each module prints its own table."""
