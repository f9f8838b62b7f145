"""Data: the pictures of a data set, their check, importing and making others."""
