"""The newest state that fits a network that is to go on. No Keras."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dhc.files.archive import DamagedError
from dhc.runs.states import Record, SavedState, Spec, read_state, state_folders
from dhc.training.outcomes import ResumeStateError

OTHER_SIZES = "is of a network or an optimizer of other sizes, as happens after an update of Keras or of this program"


def is_seed(spec: Spec) -> bool:
    """Whether a variable is one that a random layer draws by: two whole numbers, of a size that depends on the backend."""
    shape, dtype = spec
    return shape == (2,) and dtype.startswith(("int", "uint"))


def newest(folder: Path, epochs: int, specs: Sequence[Spec], junction: int | None = None) -> SavedState | None:
    """The latest whole state of a run of so many epochs whose network has such variables, if any.

    In that of the epoch `junction` other layers may draw at random than do now: then it comes without what they draw by. Raises
    ResumeStateError where its variables are those of another network.
    """

    def fit(saved: Sequence[Spec], record: Record) -> Sequence[int]:
        if list(saved) == list(specs):
            return range(len(saved))
        lasting = [number for number, spec in enumerate(saved) if not is_seed(spec)]
        needed = [spec for spec in specs if not is_seed(spec)]
        if record.epoch != junction or [saved[number] for number in lasting] != needed:
            raise ResumeStateError(record.epoch, OTHER_SIZES)
        return lasting

    for place in state_folders(folder):
        try:
            state = read_state(place, epochs, fit)
        except (DamagedError, OSError):
            continue
        if state.record.epoch < epochs:
            return state
    return None
