"""The Network screen: a network layer by layer, before it is trained and after."""
