import pytest
from pydantic import ValidationError

from harness.errors import ConfigError
from harness.servers.spec import ServerSpec
from harness.settings.spec import explain, validate

GIVEN = {"url": "http://localhost:8000/v1", "model": "m"}
SECRETS = (
    "sk-abcdef0123456789",
    "sk_live_abcdef0123456789",
    "gsk_abcdef0123456789",
    "hf_AbCdEf0123456789",
    "Bearer abcdef0123456789",
    "01abcdef0123456789",
)


def faults(**changes):
    with pytest.raises(ValidationError) as raised:
        ServerSpec(**GIVEN | changes)
    said = [f"{path}: {text}" for path, text in explain(raised.value, ServerSpec)]
    return "\n".join(said), str(raised.value) + repr(raised.value) + str(raised.value.errors())


def test_a_name_of_a_variable_is_taken():
    spec = ServerSpec(**GIVEN, key_variable="OPENAI_API_KEY")
    assert ServerSpec.model_validate(spec.plain()) == spec
    assert hash(spec) == hash(ServerSpec(**GIVEN, key_variable="OPENAI_API_KEY"))


@pytest.mark.parametrize("secret", SECRETS)
def test_what_looks_like_a_key_is_refused_and_never_shown(secret):
    said, raw = faults(key_variable=secret)
    assert said.startswith("key_variable: found no name of an environment variable, allowed")
    assert secret not in said + raw
    said, raw = faults(key_variable=[secret])
    assert "key_variable: " in said
    assert secret not in said + raw


@pytest.mark.parametrize("name", ["key", "api_key", "token"])
def test_a_key_in_an_option_that_is_not_there_is_not_shown(name):
    said, raw = faults(**{name: SECRETS[0]})
    assert f"unknown option {name!r}" in said
    assert SECRETS[0] not in said + raw


def test_a_key_deep_in_a_file_is_not_shown():
    with pytest.raises(ConfigError) as raised:
        validate(ServerSpec, GIVEN | {"key_variable": SECRETS[0]}, "a.yaml")
    assert SECRETS[0] not in str(raised.value) + repr(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    "url",
    [
        "http://me:sk-abcdef@host/v1",
        "https://host/v1?api-key=sk-abcdef",
        "https://host/v1#sk-abcdef",
        "//sk-abcdef@host",
    ],
)
def test_an_address_with_a_secret_in_it_is_refused_and_never_shown(url):
    said, raw = faults(url=url)
    assert "url: found no address, or one with a password" in said
    assert "key_variable" in said
    assert "sk-abcdef" not in said + raw


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host/v1", "http://", "http://h:x/v1", ""])
def test_an_address_that_is_none_is_shown_beside_what_is_allowed(url):
    said, _ = faults(url=url)
    assert f"url: found {url!r}, allowed http://HOST:PORT/v1 or https://HOST/v1" in said


def test_identity_is_the_address_and_the_model():
    spec = ServerSpec(**GIVEN)
    assert spec.identity == {"server": "http://localhost:8000/v1", "model": "m"}
    others = {"key_variable": "A_KEY", "parallel": 1, "timeout_s": 1.0, "retries": 0}
    assert ServerSpec(**GIVEN, **others).identity == spec.identity
    assert ServerSpec(url=f"{GIVEN['url']}/", model="m") == spec
    assert ServerSpec(**GIVEN | {"model": "n"}).identity != spec.identity
