"""What can be done with runs: labels, queue, undo, disk space, submission, and the card of a single run."""
