"""Every stream of terms equals Lucene's own (Anserini's jar, through Pyserini)."""

from __future__ import annotations

import gzip
import json
import random
from importlib import resources
from importlib.util import find_spec

import pytest

from ir_bench.analyzers.lucene_english import LuceneEnglish
from ir_bench.analyzers.lucene_language import LANGUAGES, LuceneLanguage
from ir_bench.analyzers.whitespace import Whitespace
from ir_bench.errors import InputError

pytestmark = [
    pytest.mark.lucene,
    pytest.mark.skipif(find_spec("pyserini") is None, reason="Pyserini is not installed"),
]
COLLECTIONS = [
    *("scifact", "nfcorpus", "vaswani", "cacm-anserini", "miracl-yo", "cacm", "cranfield", "med", "lisa", "time"),
    *("adi", "msmarco-dl19-sample"),
]


@pytest.fixture(scope="module")
def java():
    """Java class and its factory's arguments to a function from text to terms."""
    from ir_bench import lucene

    autoclass = lucene.start()
    from jnius import cast

    string, utilities = autoclass("java.lang.String"), autoclass("io.anserini.analysis.AnalyzerUtils")
    separator, beginning = cast("java.lang.CharSequence", string("\n")), cast("java.lang.Object", string("|"))

    def terms_of(analyzer):
        def analyze(text: str) -> list[str]:
            terms = utilities.analyze(analyzer, text)
            terms.add(0, beginning)  # a string that begins with U+FEFF would lose it on its way
            return string.join(separator, cast("java.lang.Iterable", terms)).split("\n")[1:]

        return analyze

    english = autoclass("io.anserini.analysis.DefaultEnglishAnalyzer")
    empty = autoclass("org.apache.lucene.analysis.CharArraySet").EMPTY_SET
    return {
        "default": terms_of(english.newDefaultInstance()),
        "no stop words": terms_of(english.newStemmingInstance("porter", empty)),
        "no stemmer": terms_of(english.newNonStemmingInstance()),
        "whitespace": terms_of(autoclass("org.apache.lucene.analysis.core.WhitespaceAnalyzer")()),
    }


def texts_of(folder) -> list[str]:
    with gzip.open(folder / "corpus.jsonl.gz", "rt", encoding="utf-8", newline="\n") as lines:
        documents = [json.loads(line) for line in lines]
    with open(folder / "queries.jsonl", encoding="utf-8", newline="\n") as lines:
        queries = [json.loads(line)["text"] for line in lines]
    return [f"{document.get('title', '')} {document['text']}" for document in documents] + queries


@pytest.mark.parametrize("name", COLLECTIONS)
def test_every_document_and_query(java, data_folder, name):
    if not (data_folder / name).is_dir():
        pytest.skip(f"IR_BENCH_DATA has no folder {name}")
    texts = texts_of(data_folder / name)
    analyze, expected = LuceneEnglish().analyze, java["default"]
    differing = [text for text in texts if analyze(text) != expected(text)]
    assert not differing, (len(differing), len(texts), differing[0])


@pytest.mark.parametrize("name", ["miracl-yo", "nfcorpus"])
def test_white_space(java, data_folder, name):
    texts = texts_of(data_folder / name)[::10]
    analyze, expected = Whitespace().analyze, java["whitespace"]
    assert [text for text in texts if analyze(text) != expected(text)] == []


@pytest.mark.parametrize(
    ("analyzer", "name"),
    [
        (LuceneEnglish(stop_words=False), "no stop words"),
        (LuceneEnglish(stemmer="none"), "no stemmer"),
    ],
)
def test_settings(java, data_folder, analyzer, name):
    texts = texts_of(data_folder / "nfcorpus")[::5]
    assert [text for text in texts if analyzer.analyze(text) != java[name](text)] == []


def made_up_texts(seed: int, number: int):
    """Texts of characters that word breaking tells apart, some repeated to run past the longest token."""
    draw = random.Random(seed)
    table = resources.files("ir_bench.analyzers").joinpath("word_break_classes.tsv").read_text(encoding="utf-8")
    ranges: dict[str, list[tuple[int, int]]] = {}
    for line in table.split("\n")[2:-1]:
        first, last, name = line.split("\t")
        ranges.setdefault(name, []).append((int(first, 16), int(last, 16)))
    names = sorted(ranges)

    def character() -> str:
        kind = draw.random()
        if kind < 0.15:
            return draw.choice("abesyltzSaT1234 _'.,:;\"#*-")
        if kind < 0.2:
            return draw.choice("\x00\t\n\r \x85\xa0\u2028\ufeff\ufffd\ufffe\uffff\U0010ffff")
        if kind < 0.25:
            code_point = draw.randrange(0x110000)
            return "x" if 0xD800 <= code_point < 0xE000 else chr(code_point)
        return chr(draw.randint(*draw.choice(ranges[draw.choice(names)])))

    def characters(least: int, most: int) -> str:
        return "".join(character() for _ in range(draw.randint(least, most)))

    for _ in range(number):
        kind = draw.random()
        if kind < 0.03:
            yield characters(0, 4) + characters(1, 3) * draw.randint(60, 300) + characters(0, 6)
        elif kind < 0.3:
            few = characters(3, 3)
            yield "".join(draw.choice(few) for _ in range(draw.randint(1, 16)))
        else:
            yield characters(1, 24)


def check_made_up_texts(java, seed: int, number: int) -> None:
    analyzers = ((LuceneEnglish(), "default"), (Whitespace(), "whitespace"))
    for text in made_up_texts(seed, number):
        for analyzer, name in analyzers:
            assert analyzer.analyze(text) == java[name](text), (name, ascii(text))


def test_made_up_texts(java):
    check_made_up_texts(java, seed=1, number=5_000)


@pytest.mark.slow
def test_many_made_up_texts(java):
    check_made_up_texts(java, seed=2, number=300_000)


PLACES = [
    *("a{0}a", "1{0}1", "{0}", "{0}{0}", "א{0}א", "ア{0}ア", "ก{0}ก", "☃{0}☃", "#{0}\u20e3", "1{0}\u20e3", "_{0}_"),
    *("🇦{0}🇧", "☃{0}\U000e007f", "☃\u200d{0}", "一{0}", "☃\ufe0f{0}", "a'{0}", "a{0}'s"),
]


@pytest.mark.slow
def test_every_code_point_in_every_kind_of_place(java):
    analyze, expected = LuceneEnglish().analyze, java["default"]
    for block in range(0, 0x110000, 64):
        if not 0xD800 <= block < 0xE000:
            text = " ".join(place.format(chr(c)) for c in range(block, block + 64) for place in PLACES)
            assert analyze(text) == expected(text), hex(block)


SAMPLE = "Suomessa järviä. Los niños corrían; الكتب في المدرسة 私は東京に行きました Die Häuser 한국어를 किताबें"


@pytest.mark.parametrize("language", LANGUAGES)
def test_languages_are_pyserinis(java, language):
    from pyserini.analysis import Analyzer, get_lucene_analyzer

    analyzer = LuceneLanguage(language)
    try:
        terms = analyzer.analyze(SAMPLE)
    except InputError as error:
        if "Thai segmentation" in str(error):
            pytest.skip("this Java has no Thai words")
        raise
    assert terms == Analyzer(get_lucene_analyzer(language)).analyze(SAMPLE)


def test_counts_of_a_language(java):
    counted = LuceneLanguage("fi").count(["Suomessa on järviä ja järvi", "", "saunoja järvissä"])
    # Terms as of Lucene 9.9.1's FinnishAnalyzer through pyserini 1.6.0, 2026-11-22.
    assert counted.vocabulary == ["suome", "järv", "sauno"]
    assert counted.terms.tolist() == [0, 1, 1, 2]
    assert counted.counts.tolist() == [1, 2, 1, 1]
    assert counted.offsets.tolist() == [0, 2, 2, 4]


def test_english_by_java_and_without_are_the_same(java):
    texts = ["The harbour's pilots", "ab\ud800cd", "", "© 2020"]
    ours, theirs = LuceneEnglish().count(texts), LuceneLanguage("en").count(texts)
    assert ours.vocabulary == theirs.vocabulary
    assert ours.terms.tolist() == theirs.terms.tolist()
