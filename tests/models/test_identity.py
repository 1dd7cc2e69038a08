"""Which files make a model what it is."""

import pytest

from harness.models.generation.served import served_identity
from harness.models.identity import folder_hash
from harness.models.teachers import ServedSpec
from harness.servers.spec import ServerSpec

READ = (
    *("qwen.tiktoken", "vocab.bpe", "dict.vocab", "source.spm", "bpe.codes", "merges.txt", "vocab"),
    *("tokenizer.model.v3", "conf.yaml", "modeling_own.py", "sub/any.thing"),
)
ASIDE = (
    *(
        "README.md",
        "LICENSE",
        "LICENSE_MODEL",
        "USE_POLICY.md",
        "Notice",
        "logo.PNG",
        "RECIPE.json",
    ),
    *("RECIPE.json", "original/consolidated.00.pth", "pytorch_model.bin", "tf_model.h5", "q4.gguf"),
    *(".cache/huggingface/download/model.safetensors.metadata", ".gitattributes", "a.lock"),
)


@pytest.fixture
def folder(tmp_path):
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_text(name)
    return tmp_path


def put(folder, name, text):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder_hash(folder)


@pytest.mark.parametrize("name", READ)
def test_a_file_that_a_tokenizer_or_a_model_may_read_is_in_its_identity(folder, name):
    hashes = {folder_hash(folder), put(folder, name, "one"), put(folder, name, "two")}
    assert len(hashes) == 3


@pytest.mark.parametrize("name", ASIDE)
def test_what_is_about_a_model_or_in_another_form_is_not(folder, name):
    before = folder_hash(folder)
    assert put(folder, name, "one") == before


def served(folder):
    server = {"url": "http://localhost:1/v1", "model": "m"}
    return served_identity(ServedSpec(server=ServerSpec(**server), tokenizer=str(folder)))


@pytest.mark.parametrize("name", ["merges.txt", "added_tokens.json"])
def test_all_that_a_tokenizer_of_several_files_reads_is_in_a_servers_identity(tmp_path, name):
    (tmp_path / "vocab.json").write_text("{}")
    (tmp_path / "tokenizer_config.json").write_text('{"chat_template": "x"}')
    before = served(tmp_path)
    put(tmp_path, name, "{}")
    assert served(tmp_path) != before
    put(tmp_path, "model.safetensors", "weights are the server's own")
    assert name in served(tmp_path)["tokenizer"]
    assert "model.safetensors" not in served(tmp_path)["tokenizer"]


def test_a_tokenizer_of_one_file_is_that_file(tmp_path):
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / "tokenizer_config.json").write_text('{"chat_template": "x"}')
    put(tmp_path, "merges.txt", "a b")
    assert set(served(tmp_path)["tokenizer"]) == {"tokenizer.json", "tokenizer_config.json"}
