"""Systems compared on the same queries: the comparison as plain data, and its forms for terminal, papers and files."""
