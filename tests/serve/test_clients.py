"""Real clients, unchanged, and requests in the shapes that other programs send."""

import json
import urllib.request
import warnings
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from latimer.serve.keys import Keys, make_key
from latimer.serve.service import Service
from serve.conftest import MODELS


def test_libretranslatepy(url: str) -> None:
    from libretranslatepy import LibreTranslateAPI

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it doesn't close its answers
        client = LibreTranslateAPI(url + "/")
        assert client.translate("hello", "en", "fr") == "HELLO"
        assert client.detect("hello")[0]["language"] in ("en", "fr", "de")
        assert client.languages()[0]["code"] == "en"
        with pytest.raises(urllib.request.HTTPError) as caught:
            client.translate("hello", "en", "zz")
        assert caught.value.code == 400
        caught.value.close()


def test_deep_translator(url: str) -> None:
    from deep_translator import LibreTranslator

    client = LibreTranslator(
        source="en", target="fr", custom_url=url + "/", api_key="any", use_free_api=False
    )
    assert client.translate("hello there") == "HELLO THERE"
    assert client.translate_batch(["a b", "c d"]) == ["A B", "C D"]


def test_mastodon(url: str) -> None:
    """JSON, a list of HTML, auto; it reads detectedLanguage of each and the targets."""
    asked = {"q": ["<p>one</p>", "two"], "source": "auto", "target": "fr", "format": "html", "api_key": None}
    answer = httpx.post(url + "/translate", json=asked).json()
    assert answer["translatedText"] == ["<p>ONE</p>", "TWO"]
    assert all(one["language"] for one in answer["detectedLanguage"])
    assert "fr" in httpx.get(url + "/languages").json()[0]["targets"]


def test_weblate(url: str) -> None:
    asked = {"q": ["one", "two"], "source": "en", "target": "fr", "api_key": ""}
    assert httpx.post(url + "/translate", json=asked).json() == {"translatedText": ["ONE", "TWO"]}
    assert {one["code"] for one in httpx.get(url + "/languages").json()} >= {"en", "fr"}


def test_discourse(url: str) -> None:
    """Form fields: /detect first, then /translate as HTML."""
    found = httpx.post(url + "/detect", data={"q": "bonjour tout le monde"}).json()
    asked = {"q": "<b>salut</b> toi", "source": found[0]["language"], "target": found[0]["language"]}
    answer = httpx.post(url + "/translate", data={**asked, "format": "html"}).json()
    assert answer["translatedText"] == asked["q"]  # into the language that it is in


def test_dialect(url: str) -> None:
    assert httpx.get(url + "/spec").json()["info"]["title"] == "LibreTranslate"
    settings = httpx.get(url + "/frontend/settings").json()
    assert isinstance(settings["apiKeys"], bool)
    assert isinstance(settings["charLimit"], int)
    answer = httpx.post(
        url + "/translate", json={"q": "one", "source": "auto", "target": "fr", "api_key": ""}
    )
    assert answer.json()["detectedLanguage"]["language"]


def deepl(url: str, content: Any, key: str = "") -> httpx.Response:
    """A request as DeepL's own clients send it."""
    headers = {"Authorization": f"DeepL-Auth-Key {key}"} if key else {}
    return httpx.post(url + "/v2/translate", json=content, headers=headers)


def test_deepl(url: str) -> None:
    answer = deepl(url, {"text": ["one", "two"], "target_lang": "FR", "source_lang": "EN-GB"}).json()
    assert answer["translations"] == [
        {"detected_source_language": "EN", "text": "ONE"},
        {"detected_source_language": "EN", "text": "TWO"},
    ]
    form = httpx.post(
        url + "/v2/translate", data={"text": ["<i>one</i>"], "target_lang": "FR", "tag_handling": "html"}
    )
    assert form.json()["translations"][0]["text"] == "<i>ONE</i>"
    for wrong in ({"text": ["a"]}, {"target_lang": "FR"}, {"text": ["a"], "target_lang": "ZZ"}):
        answer = deepl(url, wrong)
        assert answer.status_code == 400
        assert list(answer.json()) == ["message"]
    assert {"language": "FR", "name": "French"} in httpx.get(url + "/v2/languages?type=target").json()
    assert httpx.post(url + "/v2/usage").json()["character_count"] == 0


def test_keys_are_wanted_in_all_dialects(start: Callable[..., str], tmp_path: Any) -> None:
    key = make_key(tmp_path / "keys", "weblate")
    assert key not in (tmp_path / "keys").read_text()
    url = start(Service(MODELS, keys=Keys.load(tmp_path / "keys")))
    asked = {"q": "a", "source": "en", "target": "fr"}

    def status(given: dict[str, str]) -> tuple[int, str]:
        answer = httpx.post(url + "/translate", json={**asked, **given})
        return answer.status_code, json.dumps(answer.json())

    assert status({"api_key": key})[0] == 200
    assert status({"api_key": ""})[0] == 400
    assert "Please contact the server operator to get an API key" in status({})[1]
    assert status({"api_key": key + "x"}) == (403, '{"error": "Invalid API key"}')
    assert deepl(url, {"text": ["a"], "target_lang": "FR"}, key).status_code == 200
    assert deepl(url, {"text": ["a"], "target_lang": "FR"}, "no").status_code == 403
    assert httpx.get(url + "/languages").status_code == 200
    assert key not in httpx.get(url + "/metrics").text
