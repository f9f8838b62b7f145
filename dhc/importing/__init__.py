"""Pictures as people bring them → a data set: an archive or a folder is looked through, proposed, then written."""
