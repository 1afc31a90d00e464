"""Several runs over the same queries to one: (runs, k) -> run. Queries and documents of any run are in the result."""
