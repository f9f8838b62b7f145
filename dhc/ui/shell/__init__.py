"""What every page stands in: frame and navigation, session, address, pickers, empty and error states."""
