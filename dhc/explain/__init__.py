"""Why a network answers as it does: maps of what it looks at, its layers, its features. In processes of their own."""
