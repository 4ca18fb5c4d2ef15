"""LibreTranslate's dialect, over a real socket, as its clients speak it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from latimer.serve.limits import Limits
from latimer.serve.models import Answer, Manner
from latimer.serve.service import Service
from serve.conftest import MODELS, PATIENCE, shout


def post(url: str, path: str, content: Any) -> tuple[int, Any]:
    """Status and answer of a JSON request."""
    answer = httpx.post(url + path, json=content, timeout=PATIENCE)
    return answer.status_code, answer.json()


def test_json_form_and_query_say_the_same(url: str) -> None:
    asked = {"q": "I see. You see.", "source": "EN", "target": "fr", "alternatives": "1"}
    wanted = {"translatedText": "I SEE. YOU SEE.", "alternatives": ["I SEE.! YOU SEE.!"]}
    answers = [
        httpx.post(url + "/translate", json=asked),
        httpx.post(url + "/translate", data=asked),
        httpx.post(url + "/translate", params=asked),
        httpx.post(url + "/translate", files={name: (None, value) for name, value in asked.items()}),
        httpx.post(url + "/translate", params={**asked, "q": "other"}, json={"q": asked["q"]}),
    ]
    assert [answer.json() for answer in answers] == [wanted] * 5


def test_a_list_is_answered_by_a_list_in_order(url: str) -> None:
    _, answer = post(url, "/translate", {"q": ["a", "", " 😀 ", "b\n\n c"], "source": "en", "target": "fr"})
    assert answer == {"translatedText": ["A", "", " 😀 ", "B\n\n C"]}
    _, answer = post(url, "/translate", {"q": ["a"], "source": "auto", "target": "fr", "alternatives": 2})
    assert answer["alternatives"] == [["A!", "A!!"]]
    assert [one["language"] for one in answer["detectedLanguage"]] == ["en"]
    form = httpx.post(url + "/translate", data={"q": ["a", "b"], "source": "en", "target": "fr"})
    assert form.json() == {"translatedText": ["A", "B"]}


def test_html_keeps_its_tags(url: str) -> None:
    text = '<p class="x">one <b>two</b> &amp; three</p><code>a b</code><!-- c -->'
    _, answer = post(url, "/translate", {"q": text, "source": "en", "target": "fr", "format": "html"})
    assert answer["translatedText"] == (
        '<p class="x">ONE <b>TWO</b> &amp; THREE</p><code>a b</code><!-- c -->'
    )
    asked = {"q": text, "source": "en", "target": "fr", "format": "html", "explain": True}
    [segment] = post(url, "/translate", asked)[1]["explanation"]["segments"]
    assert (segment["source"], segment["target"]) == ("one two & three", "ONE TWO & THREE")


def test_the_model_says_where_a_tag_goes(start: Callable[..., str]) -> None:
    def turn(texts: list[str], manner: Manner) -> list[list[Answer]]:
        return [[Answer(" ".join(reversed(text.split(" "))), 0.9)] for text in texts]

    url = start(Service({("en", "fr"): turn}))
    asked = {"q": "<p>one <b>two</b> three four</p>", "source": "en", "target": "fr", "format": "html"}
    assert post(url, "/translate", asked)[1]["translatedText"] == "<p>four three <b>two</b> one</p>"


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"q": ""}, 400, "missing q parameter"),
        ({"q": []}, 400, "missing q parameter"),
        ({"q": None}, 400, "missing q parameter"),
        ({"q": {}}, 400, "q must be"),
        ({"q": [1, 2]}, 400, "q must be"),
        ({"q": 5}, 400, "q must be"),
        ({"q": "\ud800"}, 400, "surrogate"),
        ({"source": ""}, 400, "missing source parameter"),
        ({"target": None}, 400, "missing target parameter"),
        ({"target": "zz"}, 400, "zz is not supported"),
        ({"source": "ru"}, 400, "is not available as a target language from"),
        ({"format": "pdf"}, 400, "pdf format is not supported"),
        ({"alternatives": "abc"}, 400, "alternatives must be"),
        ({"alternatives": 11}, 400, "alternatives must be"),
        ({"alternatives": -1}, 400, "alternatives must be"),
        ({"alternatives": True}, 400, "alternatives must be"),
        ({"explain": "perhaps"}, 400, "explain must be"),
        ({"q": "x" * 5001}, 400, "request (5001) exceeds text limit (5000)"),
        ({"q": ["x"] * 129}, 400, "exceeds list limit (128)"),
        ({"q": "x" * 1_000_001}, 413, "1000000 bytes"),
    ],
)
def test_what_is_wrong_is_said_in_words(url: str, change: dict[str, Any], status: int, words: str) -> None:
    asked = {"q": "a", "source": "en", "target": "fr", **change}
    answer = httpx.post(
        url + "/translate", content=json.dumps(asked), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert words in answer.json()["error"]


def test_what_is_no_json_is_refused_though_python_reads_it(url: str) -> None:
    body = '{"q": "a", "source": "en", "target": "fr", "other": NaN}'
    answer = httpx.post(url + "/translate", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, "JSON" in answer.json()["error"]) == (400, True)


def test_a_text_in_the_target_language_is_left_alone(url: str) -> None:
    _, answer = post(url, "/translate", {"q": ["Привет, мир", "hi"], "source": "auto", "target": "ru"})
    assert answer["translatedText"] == ["Привет, мир", "HI"]
    assert answer["detectedLanguage"][0]["language"] == "ru"


def test_null_is_as_if_not_given(url: str) -> None:
    asked = {"q": "a", "source": "en", "target": "fr", "alternatives": None, "format": None, "api_key": None}
    assert post(url, "/translate", asked) == (200, {"translatedText": "A"})


def test_other_roads_end_in_json_too(url: str) -> None:
    for method, path, status in (
        ("GET", "/zz", 404),
        ("GET", "/translate", 405),
        ("GET", "/download_file/x", 404),
    ):
        answer = httpx.request(method, url + path)
        assert answer.status_code == status
        assert list(answer.json()) == ["error"]


def test_every_answer_may_be_read_by_every_page(url: str) -> None:
    for answer in (
        httpx.get(url + "/languages"),
        httpx.get(url + "/zz"),
        httpx.options(url + "/translate", headers={"Origin": "https://x.example"}),
    ):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["access-control-allow-methods"] == "GET, POST"
        assert answer.headers["access-control-allow-headers"] == "Authorization, Content-Type"
        assert answer.headers["content-security-policy"] == "default-src 'self'"
        assert answer.status_code in (200, 204, 404)


def test_the_languages_and_where_they_lead(url: str) -> None:
    answer = httpx.request("GET", url + "/languages", data={"api_key": ""}).json()
    assert answer == [
        {"code": "en", "name": "English", "targets": ["fr", "ru"]},
        {"code": "fr", "name": "French", "targets": ["de"]},
    ]


def test_pivoting_goes_through_the_shared_language(start: Callable[..., str]) -> None:
    def marked(mark: str) -> Any:
        return lambda texts, manner: [
            [one._replace(text=one.text + mark, confidence=0.6) for one in some]
            for some in shout(texts, manner)
        ]

    models = {("en", "fr"): marked("1"), ("fr", "de"): marked("2")}
    url = start(Service(models, pivot=True))
    assert httpx.get(url + "/languages").json()[0]["targets"] == ["fr", "de"]
    status, answer = post(url, "/translate", {"q": "a", "source": "en", "target": "de", "explain": True})
    assert (status, answer["translatedText"]) == (200, "A12")
    assert answer["explanation"]["confidence"] == pytest.approx(0.36)
    assert answer["explanation"]["segments"][0]["attention"] is None, (
        "A1 is not what the second was explained by"
    )
    asked = {"q": "a", "source": "en", "target": "de", "glossary": {"a": "b"}}
    assert post(url, "/translate", asked)[0] == 400


def test_explaining_gives_confidence_and_segments(url: str) -> None:
    _, answer = post(url, "/translate", {"q": "One. Two", "source": "en", "target": "fr", "explain": True})
    found = answer["explanation"]
    assert [one["source"] for one in found["segments"]] == ["One.", "Two"]
    assert found["confidence"] == pytest.approx(2.718281828**-0.1)
    assert "note" not in found
    _, answer = post(url, "/translate", {"q": "a b c", "source": "en", "target": "fr", "explain": True})
    assert answer["explanation"]["segments"] == [
        {
            "source": "a b c",
            "target": "A B C",
            "confidence": pytest.approx(2.718281828**-0.1),
            "sourceTokens": ["a", "b", "c"],
            "targetTokens": ["A", "B", "C"],
            "alignment": [[0, 0], [1, 1], [2, 2]],
            "attention": [[0.75, 0.0, 0.25], [0.0, 0.75, 0.25], [0.0, 0.0, 1.0]],
        }
    ]
    _, answer = post(url, "/translate", {"q": "a b", "source": "fr", "target": "fr", "explain": True})
    assert answer["explanation"]["segments"][0]["attention"] is None
    assert "null" in answer["explanation"]["note"]


def test_a_glossary_comes_in_every_form(url: str) -> None:
    asked = {"q": "a dog", "source": "en", "target": "fr"}
    wanted = {"translatedText": "A CHIEN"}
    for terms in ({"dog": "chien"}, {"dog": ["chien", "toutou"]}, {" dog ": "chien"}):
        assert httpx.post(url + "/translate", json={**asked, "glossary": terms}).json() == wanted
        written = json.dumps(terms)
        assert httpx.post(url + "/translate", data={**asked, "glossary": written}).json() == wanted
        assert httpx.post(url + "/translate", params={**asked, "glossary": written}).json() == wanted
    for nothing in ({}, None, ""):
        _, answer = post(url, "/translate", {**asked, "glossary": nothing})
        assert answer == {"translatedText": "A DOG"}


@pytest.mark.parametrize(
    "terms",
    [5, ["dog"], "dog", "[1]", "[" * 5000, {"": "x"}, {"a": ""}, {"a": []}, {"a": ["x"] * 6}, {"a": 1},
     {"a": [None]}, {"a" * 101: "x"}, {"a": "\ud800"}, {"a": "\u200b"}, {str(n): "x" for n in range(101)}],
)  # fmt: skip
def test_what_is_no_glossary_is_refused(url: str, terms: Any) -> None:
    asked = json.dumps({"q": "a", "source": "en", "target": "fr", "glossary": terms})
    answer = httpx.post(url + "/translate", content=asked, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "glossary" in answer.json()["error"]


def test_a_stream_gives_each_paragraph_and_then_the_answer(url: str) -> None:
    asked = {"q": "a.\nb. c.\n", "source": "en", "target": "fr", "alternatives": 1, "stream": True}
    answer = httpx.post(url + "/translate", json=asked)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [block.split("\n") for block in answer.text.strip().split("\n\n")]
    assert [event[0] for event in events] == ["event: text", "event: text", "event: done"]
    parts = [json.loads(event[1].removeprefix("data: ")) for event in events]
    whole = post(url, "/translate", {**asked, "stream": False})[1]
    assert parts[-1] == whole
    assert "".join(part["translatedText"] for part in parts[:-1]) == whole["translatedText"]


def test_detection_is_honest(url: str) -> None:
    [first, *_] = httpx.post(url + "/detect", data={"q": "Привет, мир"}).json()
    assert first["language"] == "ru"
    found = httpx.post(url + "/detect", json={"q": "12 😀"}).json()
    assert found
    assert found[0]["confidence"] < 100


def test_a_document_comes_back_translated(url: str) -> None:
    sent = {"file": ("../../a.TXT", b"one.\n\n  two\r\n", "text/plain")}
    answer = httpx.post(url + "/translate_file", files=sent, data={"source": "auto", "target": "fr"})
    place = answer.json()["translatedFileUrl"]
    assert place.startswith(url + "/download_file/")
    file = httpx.get(place)
    assert file.content == b"ONE.\n\n  TWO\r\n"
    assert file.headers["content-disposition"].startswith("attachment")
    subtitle = b"1\n00:00:01,000 --> 00:00:02,000\nOne dog.\n"
    answer = httpx.post(
        url + "/translate_file", files={"file": ("a.srt", subtitle)}, data={"source": "en", "target": "fr"}
    )
    assert httpx.get(answer.json()["translatedFileUrl"]).content == subtitle.replace(b"One dog", b"ONE DOG")
    for name, content in (("a.exe", b"x"), ("a.txt", b"\xff"), ("a.docx", b"PK")):
        answer = httpx.post(
            url + "/translate_file", files={"file": (name, content)}, data={"source": "en", "target": "fr"}
        )
        assert answer.status_code == 400
        assert list(answer.json()) == ["error"]


def test_suggestions_are_pairs_to_train_on(start: Callable[..., str], tmp_path: Path) -> None:
    url = start(Service(MODELS, suggestions=tmp_path / "new"))
    asked = {"q": "a\tb\nc", "s": "d", "source": "EN", "target": "fr"}
    assert [post(url, "/suggest", asked) for _ in range(2)] == [(200, {"success": True})] * 2
    assert (tmp_path / "new" / "suggestions.en-fr.tsv").read_text() == "a b c\td\n" * 2
    assert post(url, "/suggest", {**asked, "target": "../x"})[0] == 400
    off = start(Service(MODELS))
    assert post(off, "/suggest", asked)[0] == 403


def test_what_clients_look_at_first(url: str) -> None:
    assert httpx.get(url + "/health").json() == {"status": "ok"}
    assert httpx.get(url + "/ready").status_code == 200
    assert httpx.get(url + "/spec").json()["info"]["title"] == "LibreTranslate"
    settings = httpx.get(url + "/frontend/settings").json()
    assert settings["charLimit"] == 5000
    assert settings["language"]["source"] == {"code": "en", "name": "English"}
    assert {"apiKeys", "filesTranslation", "frontendTimeout", "keyRequired", "suggestions"} <= settings.keys()
    assert httpx.get(url + "/", follow_redirects=True).status_code == 200
    docs = httpx.get(url + "/docs").text
    assert "/translate" in docs
    assert "http" not in docs


def test_the_greatest_request_is_answered(url: str) -> None:
    limits = Limits()
    asked = {"q": ["ab " * (limits.characters // 3)] * limits.texts, "source": "en", "target": "fr"}
    status, answer = post(url, "/translate", asked)
    assert (status, set(answer["translatedText"])) == (200, {"AB " * (limits.characters // 3)})


def test_the_limits_are_what_the_server_says(start: Callable[..., str]) -> None:
    url = start(Service(MODELS, limits=Limits(characters=3, texts=1)))
    assert post(url, "/translate", {"q": "abc", "source": "en", "target": "fr"})[0] == 200
    assert post(url, "/translate", {"q": "abcd", "source": "en", "target": "fr"})[0] == 400
    assert post(url, "/translate", {"q": ["a", "b"], "source": "en", "target": "fr"})[0] == 400
