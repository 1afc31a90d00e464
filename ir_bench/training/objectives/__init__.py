"""What is minimised: each objective turns a step (scores, labels, teacher scores, vectors) into one number."""
