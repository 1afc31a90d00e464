"""What differences between retrievers can be told from chance: one method a file, functions over arrays of queries."""
