"""Managing runs: labels, queue, undo, disk space, submission, autopsy, and a run's card."""
