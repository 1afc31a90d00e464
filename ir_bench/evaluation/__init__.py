"""How good a run is: measures as trec_eval computes them, an audit of every evaluation, run files, scores per query."""
