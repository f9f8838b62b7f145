"""The lessons' figures: a module each, whose `draw` draws controls and figure, with their state in the address."""
