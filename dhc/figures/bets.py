"""Bets against results: a dot for each, around the line where guess and result agree."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import plotly.graph_objects as go

from dhc.analysis.bets import FIGURES, Bet
from dhc.figures import theme

STYLES = {"val_accuracy": (theme.VAL, "diamond"), "accuracy": (theme.TRAIN, "circle")}
RING = "#7a4fd8"  # apart from both in either theme


def calibration(bets: Sequence[Bet], selected: Collection[str] = ()) -> go.Figure:
    """Guess (x) against result (y), both 0 to 1; below the line the guess was too hopeful.

    Dots carry their run's id as customdata; those of `selected` runs have a ring around them.
    """
    figure = theme.figure(x="bet", y="result")
    line = {"color": theme.MUTED, "width": 1.5, "dash": "dot"}
    hidden = {"hoverinfo": "skip", "showlegend": False}
    figure.add_trace(go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line=line, uid="agreement", **hidden))
    for name in FIGURES:
        figure.add_trace(_dots([bet for bet in bets if bet.figure == name], name, selected))
    figure.add_annotation(text="better than the bet", x=0.02, y=0.98, xanchor="left", yanchor="top", showarrow=False)
    figure.add_annotation(text="worse than the bet", x=0.98, y=0.02, xanchor="right", yanchor="bottom", showarrow=False)
    figure.update_xaxes(range=[-0.02, 1.02])
    figure.update_yaxes(range=[-0.02, 1.02])
    figure.update_layout(hovermode="closest")
    return figure


def _dots(bets: Sequence[Bet], name: str, selected: Collection[str]) -> go.Scatter:
    color, symbol = STYLES[name]
    is_selected = [bet.run in selected for bet in bets]
    return go.Scatter(
        x=theme.numbers([bet.guess for bet in bets]),
        y=theme.numbers([bet.result for bet in bets]),
        mode="markers",
        marker={
            "color": color,
            "symbol": symbol,
            "size": [15 if ring else 10 for ring in is_selected],
            "opacity": 1,
            "line": {"color": RING, "width": [3 if ring else 0 for ring in is_selected]},
        },
        customdata=[bet.run for bet in bets],
        text=[theme.escape_html(bet.title[:60]) for bet in bets],
        hovertemplate=f"%{{text}}<br>{name}: bet %{{x:.3f}}, result %{{y:.3f}}<extra></extra>",
        name=name,
        uid=name,
        showlegend=bool(bets),
    )
