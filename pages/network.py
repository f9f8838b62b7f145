"""Network: a network layer by layer, its feature maps, its filters, what its units respond to."""

from __future__ import annotations

from dhc.ui.network.view import view
from dhc.ui.shell.frame import frame
from dhc.ui.shell.states import guard

head = frame("Network", ":material/account_tree:")
with guard():
    view(head)
