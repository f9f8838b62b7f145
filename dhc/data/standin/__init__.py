"""Drawing the stand-in data set: 32 motifs in three look-alike colours each."""
