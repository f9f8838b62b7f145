"""``python -m dhc data import``: an archive or a folder of pictures becomes a data set."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dhc.cli.numbers import Real, Whole
from dhc.data.standin.labels import MOST_SEED, WHY_SEED
from dhc.importing.division import LEAST, MOST
from dhc.text import clean

if TYPE_CHECKING:
    from dhc.importing.division import By
    from dhc.importing.proposal import Proposal

VAL_SHARE = Real(LEAST, MOST, "with less nothing is judged, with more little is learned")
SEED = Whole(0, MOST_SEED, WHY_SEED)


@click.command("import")
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("name")
@click.option(
    "--data-dir",
    "data_dir",
    envvar="DHC_DATA_DIR",
    show_envvar=True,
    type=click.Path(path_type=Path),
    default="data",
    show_default=True,
    help="Folder of the data sets.",
)
@click.option(
    "--role",
    "roles",
    multiple=True,
    metavar="COLUMN=ROLE",
    help="What a column is: file, label, split, group or unused.",
)
@click.option(
    "--val-share",
    type=VAL_SHARE,
    default=0.1,
    show_default=True,
    help="Share of train that becomes val where there is none.",
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="By which val is drawn.")
@click.option(
    "--together",
    type=click.Choice(["picture", "column", "stem"]),
    default="picture",
    show_default=True,
    help="What stays on one side: each picture by itself, a group's column, or names that differ only in their number.",
)
@click.option("--in-place", is_flag=True, help="Use a folder's pictures where they lie, without copying them.")
@click.option("--preview", is_flag=True, help="Say what would be made, and make nothing.")
def import_pictures(
    source: Path,
    name: str,
    data_dir: Path,
    roles: tuple[str, ...],
    val_share: float,
    seed: int,
    together: By,
    in_place: bool,
    preview: bool,
) -> None:
    """Make the data set NAME of the pictures in SOURCE: a zip, a tar or a folder.

    Class folders, one table or a table for each split are found by themselves. NAME becomes a folder
    beside the other data sets.
    """
    from dhc.importing.division import Division
    from dhc.importing.proposal import Choices
    from dhc.importing.propose import propose
    from dhc.importing.source import open_source
    from dhc.importing.write import data_set_name, write_dataset

    root = data_dir / data_set_name(name)
    choices = Choices(_roles(roles), Division(val_share, seed, together))
    with open_source(source) as contents:
        proposal = propose(contents, choices)
        click.echo(preview_text(proposal, contents.contents.left_out))
        if preview:
            return
        total = sum(map(len, proposal.splits.values()))
        with click.progressbar(length=total, label=f"importing {total:,} pictures") as bar:
            write_dataset(
                contents,
                proposal,
                root,
                choices,
                in_place=in_place,
                progress=lambda count, _: bar.update(count - bar.pos),
            )
    click.echo(
        f"{root}: {len(proposal.classes):,} classes, "
        + ", ".join(f"{len(items):,} {split}" for split, items in proposal.splits.items())
    )


def _roles(words: tuple[str, ...]) -> dict[str, str]:
    from dhc.importing.proposal import ROLES

    roles = dict(word.rpartition("=")[::2] for word in words)
    for word, role in zip(words, roles.values(), strict=False):
        if "=" not in word or role not in ROLES:
            raise click.BadParameter(
                f"{word!r} is no COLUMN=ROLE with a role of {', '.join(ROLES)}", param_hint="--role"
            )
    return roles


def preview_text(proposal: Proposal, reasons: Counter[str]) -> str:
    """A proposal for the terminal."""
    from dhc.importing.sieve import left_out_text

    lines = [f"Found: {proposal.shape}."]
    lines += [f"  {note}" for note in proposal.notes]
    counts = {split: len(items) for split, items in proposal.splits.items()}
    lines.append(
        "Pictures: "
        + ", ".join(f"{count:,} {split}" for split, count in counts.items())
        + f"; {len(proposal.classes):,} classes"
    )
    for label, by_split in list(proposal.classes.items())[:12]:
        lines.append(f"  {clean(label)}: " + ", ".join(f"{count:,} {split}" for split, count in by_split.items()))
    if len(proposal.classes) > 12:
        lines.append(f"  and {len(proposal.classes) - 12:,} more classes")
    lines += [f"Skipped: {reason}" for reason in proposal.skipped]
    return "\n".join(filter(None, [*lines, left_out_text(reasons)]))
