"""``python -m dhc ensemble``: how far runs agree, what they answer together, and that as a submission."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from dhc.cli.common import JSON, RUNS, UNREADABLE, guide, print_json
from dhc.text import clean, count_text

MOST_FILES = 20  # of pictures that no run has right, in the text


@click.command(epilog=guide("same-score-other-mistakes"))
@click.argument("run_ids", nargs=-1, required=True, metavar="RUN_ID RUN_ID…")
@click.option(
    "--submission",
    "out",
    type=click.Path(path_type=Path),
    help="Also write their answers for test to this file, and beside it who answered.",
)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@UNREADABLE
@click.option("--progress", type=click.Path(path_type=Path), hidden=True)
@RUNS
@JSON
def ensemble(
    run_ids: tuple[str, ...],
    out: Path | None,
    force: bool,
    unreadable: str,
    progress: Path | None,
    runs_dir: Path,
    as_json: bool,
) -> None:
    """Compare runs picture by picture and average their probabilities: agreement, accuracy together, which of them to take.

    The runs must have been judged on the same val pictures; nearest neighbours take part with their shares of votes.
    """
    from dhc.files import target
    from dhc.runs.rundir import run_dir

    folders = [run_dir(runs_dir, run_id) for run_id in dict.fromkeys(run_ids)]
    if out is not None:
        target.refuse(out, force=force)
    result = _result(folders)
    if out is not None:
        from dhc.predict.ensemble import write_ensemble

        written = write_ensemble(folders, out, force=force, unreadable=unreadable, progress=progress)
        result["submission"] = {"file": str(out), "answers": written.answers, "unseen": len(written.unseen)}
    if as_json:
        print_json(result)
    else:
        click.echo("\n".join(_lines(result)))


def _result(folders: Sequence[Path]) -> dict[str, Any]:
    from dhc.analysis import selection
    from dhc.analysis.ensemble import agreement, combine, line_up
    from dhc.analysis.significance import verdict
    from dhc.data.review_effect import reviewed_away
    from dhc.runs.config_file import read_config
    from dhc.runs.predictions import read_predictions

    _refuse_other_data(folders)
    without = frozenset[str]().union(*(reviewed_away(folder, read_config(folder)[0]) for folder in folders))
    answers = line_up({folder.name: read_predictions(folder) for folder in folders}, without)
    together, alike, path = combine(answers), agreement(answers), selection.greedy(answers)
    choice = selection.judge_choice(answers)
    right = answers.right
    nobody = answers.ids[~right.any(axis=0)].tolist()
    return {
        "members": [{"id": run, "accuracy": float(row.mean())} for run, row in zip(answers.runs, right, strict=True)],
        "pictures": len(answers.ids),
        "left_out": answers.left_out,
        "reviewed": answers.reviewed,
        "accuracy": together.accuracy,
        "interval": together.interval,
        "best_member": answers.runs[together.best],
        "against_best": {"fixes": together.table.fixes, "breaks": together.table.breaks, "p": together.p},
        "verdict": verdict(together.table, together.p),
        "oracle_accuracy": float(right.any(axis=0).mean()),
        "all_wrong": nobody,
        "agreement": alike.same.tolist(),
        "kappa": [[value if math.isfinite(value) else None for value in row] for row in alike.kappa.tolist()],
        "double_fault": alike.double_fault.tolist(),
        "path": [{"id": answers.runs[step.run], "accuracy": step.right / len(answers.ids)} for step in path],
        "suggested": [answers.runs[place] for place in selection.suggested(path)],
        "suggestion": selection.suggestion_text(path, len(answers.ids)),
        "held_back": None if choice is None else vars(choice),
        "caution": selection.choice_text(choice),
    }


def _refuse_other_data(folders: Sequence[Path]) -> None:
    """Raise RunError where two runs noted that they were judged on different pictures."""
    from dhc.analysis.pictures import judged_pictures, same_data
    from dhc.errors import RunError
    from dhc.runs.config_file import read_config
    from dhc.runs.contract import Environment

    known = [(folder, config) for folder in folders if (config := read_config(folder)[0]) is not None]
    pictures = [judged_pictures(config, Environment.of(folder)) for folder, config in known]
    for (folder, _), other in zip(known[1:], pictures[1:], strict=False):
        if not same_data(pictures[0], other):
            raise RunError(
                f"{known[0][0].name} and {folder.name} were judged on different val pictures: name runs on the same data set"
            )


def _lines(result: dict[str, Any]) -> list[str]:
    from dhc.analysis.paired import reviewed_text

    low, high = result["interval"]
    pictures, against = result["pictures"], result["against_best"]
    lines = [f"{one['id']}: accuracy {one['accuracy']:.3f}" for one in result["members"]]
    lines += [
        f"together: accuracy {result['accuracy']:.3f} ({low:.3f} to {high:.3f}) on {count_text(pictures, 'shared val picture')}",
        f"against {result['best_member']}, the best of them: {against['fixes']:,} fixed, {against['breaks']:,} broken. {result['verdict']}",
        f"at least one is right: {result['oracle_accuracy']:.3f}; none is right: {count_text(len(result['all_wrong']), 'picture')}",
        result["suggestion"] + f" ({', '.join(result['suggested'])})",
        result["caution"],
    ]
    if result["left_out"]:
        lines.append(f"left out: {count_text(result['left_out'], 'picture')} that only some of them were judged on")
    if result["reviewed"]:
        lines.append(reviewed_text(result["reviewed"]))
    if result["all_wrong"]:
        more = " …" if len(result["all_wrong"]) > MOST_FILES else ""
        lines.append(f"none is right on: {', '.join(clean(name) for name in result['all_wrong'][:MOST_FILES])}{more}")
    if "submission" in result:
        written = result["submission"]
        lines.append(f"{written['file']}: {count_text(written['answers'], 'answer')} in the order of test.csv")
    return lines
