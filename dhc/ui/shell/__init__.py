"""What every page stands in: frame, session, address, pickers, states, watched parts."""
