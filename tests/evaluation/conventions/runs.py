"""Small runs with whatever conventions disagree about: ties, self-hits, unanswered queries, grades."""

from __future__ import annotations

from hypothesis import strategies as st

DOCUMENTS = ["d1", "d10", "d2", "q1", "q2", "ä", "Z", "z9"]
QUERIES = ["q1", "q2", "q3", "q4"]
# 0.1 and its neighbour are one float32 number, and two in double precision.
SCORES = [3.0, 1.0, 0.1, 0.1 + 1e-12, 0.0, -2.5]

scored_documents = st.lists(
    st.tuples(st.sampled_from(DOCUMENTS), st.sampled_from(SCORES)), min_size=1, unique_by=lambda pair: pair[0]
).map(dict)
runs = st.dictionaries(st.sampled_from([*QUERIES, "unjudged"]), scored_documents, min_size=1)
judgments = st.dictionaries(st.sampled_from(DOCUMENTS), st.integers(0, 3), min_size=1)
qrels = st.dictionaries(st.sampled_from(QUERIES), judgments, min_size=1)


@st.composite
def cases(draw):
    """A run and judgments with at least one query in common, and one query with a relevant document."""
    judged = draw(qrels)
    judged[next(iter(judged))]["d2"] = 1
    run = draw(runs)
    run.setdefault(next(iter(judged)), {"d2": 1.0, "d10": 1.0})
    return run, judged
