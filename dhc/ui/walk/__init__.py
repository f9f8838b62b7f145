"""The walk: one picture's way through a run's network, from all layers down to one number's formula."""
