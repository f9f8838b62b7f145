"""Whether a JPEG is whole. The decoder fills what is missing with grey and says so only on stderr, without a name."""

from __future__ import annotations

import io
import warnings

import numpy as np

from dhc.data.formats import END_OF_JPEG, PictureError

# Image data that a whole picture has no use for; one that broke off goes on with it, and shows something else.
_MORE = b"\x55\xaa\x12\x34\x96\x5c" * 40
_CORNER = 4  # pixels: what the decoder fills is flat to the corner at the end


def ends_early(data: bytes, picture: np.ndarray) -> bool:
    """Whether image data is missing before the last end mark, however the file ends.

    ``picture``: (h, w, 3) uint8 as decoded at full size. Only a flat corner or a progressive file, of which each part
    adds to the whole, gives cause to look closer, which takes two further decodings. Raises PictureError where Pillow's
    decoder finds more wrong with it than cv2's did.
    """
    corner = picture[-_CORNER:, -2 * _CORNER :]
    progressive = b"\xff\xc2" in data[: data.find(b"\xff\xda")]
    if not progressive and (corner != corner[-1, -1]).any():
        return False
    end = data.rfind(END_OF_JPEG)
    whole, longer = data[: end + 2], data[:end] + _MORE + END_OF_JPEG
    try:
        return not np.array_equal(_pixels(whole), _pixels(longer))
    except (OSError, SyntaxError, ValueError) as error:
        raise PictureError("the file is damaged or incomplete") from error


def _pixels(data: bytes) -> np.ndarray:
    """By Pillow, which keeps its decoder's warnings to itself: cv2's would stand on the terminal for sound files too."""
    from PIL import Image  # only for the few that are looked at closer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a size that was checked already
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as picture:
            return np.asarray(picture)
