"""What is trained: a checkpoint with the modules that a recipe puts on top, one kind a file."""
