"""English stands complete beside the German."""

import re

from config import messages


def test_every_text_has_its_english() -> None:
    assert messages.missing() == []


def test_the_english_keeps_every_placeholder() -> None:
    for message in messages.english():
        if not message.id or not message.string:
            continue
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        strings = [message.string] if isinstance(message.string, str) else list(message.string)
        for german, english in zip(ids, strings, strict=True):
            assert _placeholders(german) >= _placeholders(english), german
        assert _placeholders(ids[-1]) == _placeholders(strings[-1]), ids[-1]


def test_the_english_says_text_message_and_not_sms() -> None:
    """The channel's name and what an operator bills and runs keep theirs (docs/look.md, Words)."""
    for message in messages.english():
        for english in [message.string] if isinstance(message.string, str) else message.string or ():
            rest = re.sub(r"^SMS$|\bSMS (part|service)s?\b", "", english)
            assert not re.search(r"\bSMS\b", rest), english


def test_texts_are_found_in_code_and_templates(tmp_path, monkeypatch) -> None:
    (tmp_path / "accounts").mkdir()
    (tmp_path / "templates").mkdir()
    (tmp_path / "accounts" / "a.py").write_text('from x import _\nA = _("Ein Wort")\n')
    (tmp_path / "templates" / "b.html").write_text(
        "{% load i18n %}{% translate 'Zwei' %} {% badge _(\"drei\") %}"
        "{% blocktranslate count n=x %}{{ n }} Platz{% plural %}{{ n }} Plätze{% endblocktranslate %}"
    )
    monkeypatch.setattr(messages, "CHECKOUT", tmp_path)
    found = {message.id for message in messages.collect() if message.id}
    assert found == {"Ein Wort", "Zwei", "drei", ("%(n)s Platz", "%(n)s Plätze")}


def test_a_text_without_english_is_named(tmp_path, monkeypatch) -> None:
    (tmp_path / "accounts").mkdir()
    (tmp_path / "accounts" / "a.py").write_text('A = _("Noch ohne Englisch")\n')
    monkeypatch.setattr(messages, "CHECKOUT", tmp_path)
    monkeypatch.setattr(messages, "ENGLISH", tmp_path / "locale" / "django.po")
    assert messages.missing() == ["Noch ohne Englisch"]
    messages.write(messages.collect())
    assert messages.missing() == ["Noch ohne Englisch"]
    assert "Noch ohne Englisch" in messages.ENGLISH.read_text(encoding="utf-8")


def _placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)s|\{\w*\}", text))
