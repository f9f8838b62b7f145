"""Writing and reading with distrust: regular files and real folders only, and through no link."""
