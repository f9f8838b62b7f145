"""Two networks before the same pictures, as a band each: a stripe a picture, right or wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import plotly.graph_objects as go

from dhc.figures import theme

Say = Callable[..., str]  # the lesson's words
HIDDEN = "rgba(133,129,153,0.35)"
SCALE = ((0.0, theme.VAL), (0.5, theme.VAL), (0.5, theme.BEST), (1.0, theme.BEST))


def bands(rows: Mapping[str, np.ndarray], *, is_open: bool, say: Say) -> go.Figure:
    """A band for each network, by its name, (N,) bool, the first on top, each with its share of rights.

    Opened, a picture stands in the same place in every band: both right, only the first, only the second, neither. Before, each
    band has its rights first, so that only how many there are can be seen. say: the labels pictures, right, wrong, share.
    """
    bools = list(rows.values())
    if is_open:
        order = np.lexsort((~bools[1], ~bools[0])) if len(bools) > 1 else np.argsort(~bools[0], kind="stable")
        bools = [row[order] for row in bools]
    else:
        bools = [np.sort(row)[::-1] for row in bools]
    labels = [
        f"{theme.escape_html(name)}  <b>{say('share', value=float(row.mean()))}</b>" for name, row in rows.items()
    ]
    figure = theme.figure(x=say("pictures"), y="")
    z = np.array(bools, dtype=np.float32)
    words = np.where(z > 0, say("right"), say("wrong"))
    figure.add_trace(
        go.Heatmap(
            z=z,
            x=np.arange(1, z.shape[1] + 1),
            y=labels,
            zmin=0,
            zmax=1,
            colorscale=[list(stop) for stop in SCALE],
            showscale=False,
            ygap=10,
            customdata=words,
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(showgrid=False)
    figure.update_layout(uirevision=f"bands{is_open}")
    return figure
