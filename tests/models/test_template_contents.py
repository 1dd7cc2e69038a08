"""All that is said is in the prompt, whatever a chat template takes for the content of a turn."""

import json
import logging

import pytest

from harness.errors import ConfigError
from harness.models.chat_template import template_in
from harness.models.identity import model_identity
from harness.models.spec import ModelSpec
from harness.models.tokenizer import load_tokenizer
from harness.records import Message
from harness.trial.preflight import preflight
from tests.projects import write_project
from tests.toys.retold import retold
from tests.toys.tiny import save_tiny

ASKED = (Message("user", "The dog sleeps."),)
SHOWN = (*ASKED, Message("assistant", "Der Hund schläft."))
CHAT = (Message("system", "Be brief."), *SHOWN, Message("user", "The fox?"))
PARTS = "{% for p in m.content if p.type == 'text' %}{{ p.text }}{% endfor %}"
EITHER = "{% if m.content is string %}{{ m.content }}{% else %}" + PARTS + "{% endif %}"


def turns(content, others=None):
    """A template with what it writes of the user's content, and of the others'."""
    others = content if others is None else others
    return (
        "{% for m in messages %}<{{ m.role }}>"
        "{% if m.role == 'user' %}" + content + "{% else %}" + others + "{% endif %}<end>"
        "{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
    )


@pytest.mark.parametrize(
    ("template", "roles"),
    [
        (turns("{{ m.content }}"), set()),
        (turns(EITHER), set()),
        (turns(PARTS), {"system", "user", "assistant"}),
        (turns("{{ m.content[0]['text'] }}"), {"system", "user", "assistant"}),
        (turns("{{ m.content | map(attribute='text') | join }}"), {"system", "user", "assistant"}),
        (turns(PARTS, "{{ m.content }}"), {"user"}),
        (turns("{{ m.content }}", PARTS), {"system", "assistant"}),
        (turns(PARTS, "{{ m.content | upper }}"), {"user"}),
        (turns(PARTS, "{{ m.content | e }}"), {"user"}),
    ],
)
def test_words_are_given_in_the_form_that_the_template_reads(template, roles):
    found = retold("llama", template)
    assert found.template.parts == roles
    plain = retold("llama", turns("{{ m.content }}"))
    for chat in (ASKED, CHAT):
        assert found.render_chat(chat).casefold() == plain.render_chat(chat).casefold()
    assert "type" not in found.render_chat(CHAT)


def test_a_template_that_writes_a_mapping_of_its_own_is_given_plain_texts():
    found = retold("llama", turns("{{ {'text': m.content} | tojson }}"))
    assert found.render_chat(ASKED) == '<user>{"text": "The dog sleeps."}<end><assistant>'


def test_a_template_of_parts_without_a_system_turn_gets_its_text_in_the_users():
    silent = turns(PARTS).replace("in messages", "in messages if m.role != 'system'")
    found = retold("llama", silent)
    expected = "<user>Be brief.\n\nThe dog sleeps.<end><assistant>"
    assert found.render_chat((CHAT[0], *ASKED)) == expected
    assert found.template.joins_system


def test_a_system_turn_that_the_user_repeats_by_chance_is_not_taken_for_one_that_is_there():
    silent = turns("{{ m.content }}").replace("in messages", "in messages if m.role != 'system'")
    said = (Message("system", "The dog"), *ASKED)
    assert retold("llama", silent).render_chat(said).startswith("<user>The dog\n\nThe dog sleeps.")


@pytest.mark.parametrize(
    ("template", "who"),
    [
        (turns("", "{{ m.content }}"), "user"),
        (turns("{{ m.content }}", ""), "assistant"),
        (turns("{{ m.text }}", "{{ m.content }}"), "user"),
        (turns("{{ m.content[:7] }}"), "user"),
        (turns("{{ m.content.split()[0] }}"), "user"),
        ("{{ messages[-1].content }}", "user"),
    ],
)
def test_words_that_no_form_brings_into_the_text_are_an_error(template, who):
    found = retold("llama", template)
    with pytest.raises(ConfigError, match=f"leaves out what the {who} says: found '") as error:
        found.render_chat(SHOWN, answer_next=False)
    assert "model.chat_template: FILE" in str(error.value)


@pytest.mark.parametrize(
    ("content", "written"),
    [
        ("{{ m.content | trim }}", 'The  «dog»\n& "fox".'),
        ("{{ m.content.split() | join(' ') }}", 'The «dog» & "fox".'),
        ("{{ m.content | tojson }}", '"  The  «dog»\\n& \\"fox\\".\\n"'),
        ("{{ m.content | e }}", "  The  «dog»\n&amp; &#34;fox&#34;.\n"),
        ("{{ m.content | upper }}", '  THE  «DOG»\n& "FOX".\n'),
        ("> {{ m.content | replace('\\n', '\\n> ') }}", '>   The  «dog»\n> & "fox".\n> '),
    ],
)
def test_a_template_may_trim_escape_and_break_what_it_writes_in_full(content, written):
    said = (Message("user", '  The  «dog»\n& "fox".\n'),)
    assert retold("llama", turns(content)).render_chat(said) == f"<user>{written}<end><assistant>"


def test_a_template_that_changes_the_letters_of_an_answer_is_an_error():
    found = retold("llama", turns("{{ m.content }}", "{{ m.content | lower }}"))
    with pytest.raises(ConfigError, match="changes what the assistant says: found 'XQXQ'"):
        found.encode_chat(ASKED)
    with pytest.raises(ConfigError, match="changes what the assistant says"):
        _ = found.end_id
    with pytest.raises(ConfigError, match="changes what the user says"):
        retold("llama", turns("{{ m.content | lower }}")).encode_user_turn(())


def test_thoughts_before_an_earlier_answer_may_be_left_out():
    last = turns("{{ m.content.split('</think>')[-1] }}")
    thought = Message("assistant", "<think>dog is Hund</think>\nDer Hund.")
    text = retold("qwen3", last).render_chat((*ASKED, thought, *ASKED))
    assert "Der Hund." in text
    assert "is Hund" not in text


def test_what_a_template_makes_of_content_is_part_of_what_the_model_is(tmp_path):
    folder = save_tiny(tmp_path / "model")
    spec = ModelSpec(path=str(folder), device="cpu")
    assert "parts" not in model_identity(spec)
    (folder / "chat_template.jinja").write_text("{{ bos_token }}" + turns(EITHER))
    assert "parts" not in model_identity(spec)
    (folder / "chat_template.jinja").write_text(turns(PARTS, "{{ m.content }}"))
    assert model_identity(spec)["parts"] == ["user"]
    assert load_tokenizer(spec).render_chat(ASKED) == "<user>The dog sleeps.<end><assistant>"


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        (turns(""), "leaves out what the user says"),
        (turns("{{ m.content }}", ""), "leaves out what the assistant says"),
        (turns("{{ m.content[:800] }}"), "leaves out what the user says"),
        (
            "{% for m in messages[-1:] %}{{ m.content }}{% endfor %}",
            "leaves out what the user says",
        ),
        ("{{ raise_exception('not today') }}", "refuses the turns user: not today"),
        ("{% for m in messages %}", "refuses the turns user: "),
        ("{{ now() }}" + turns("{{ m.content }}"), "refuses the turns user: 'now' is undefined"),
        ("{{ ['a', 'b'] | random }}" + turns("{{ m.content }}"), "draws at random"),
    ],
)
def test_a_template_that_cannot_be_used_is_known_before_anything_is_read(template, fault, tmp_path):
    config = write_project(tmp_path, save_tiny(tmp_path / "model"))
    preflight(config)
    (tmp_path / "model" / "chat_template.jinja").write_text(template)
    with pytest.raises(ConfigError, match=fault) as error:
        preflight(config)
    assert error.value.message.startswith(f"model.path: {tmp_path}/model: the chat template")
    (tmp_path / "mine.jinja").write_text(template)
    (tmp_path / "model" / "chat_template.jinja").write_text(turns("{{ m.content }}"))
    mine = str(tmp_path / "mine.jinja")
    with pytest.raises(ConfigError, match=f"model: {mine}: the chat template"):
        preflight(config.replace(model=config.model.replace(chat_template=mine)))


def test_tokens_that_the_folder_names_are_known_before_a_tokenizer_is_read(tmp_path):
    config = write_project(tmp_path, save_tiny(tmp_path / "model"))
    file = tmp_path / "model" / "tokenizer_config.json"
    own = {"bos_token": {"content": "<s>"}, "extra_special_tokens": {"image_token": "<image>"}}
    file.write_text(json.dumps({**json.loads(file.read_text()), **own}))
    joined = "{% set head = bos_token + image_token + eos_token %}{{ head }}" + turns(
        "{{ m.content }}"
    )
    (tmp_path / "model" / "chat_template.jinja").write_text(joined)
    preflight(config)
    template = template_in(tmp_path / "model", None, None)
    assert template.render(ASKED, False).startswith("<s><image><|end|><user>")


SPACED = "{% for m in messages %}[{{ m.role }}]SHOWN{{ m.content }}{% endfor %}"
PROMPTS = "{% if add_generation_prompt %}[assistant]ASKED{% endif %}"


@pytest.mark.parametrize(
    ("asked", "shown"), [("\\n", " "), (" ", ""), (":", ""), ("\\n\\n", "\\n"), ("<think>", ":")]
)
def test_a_prompt_that_begins_no_chat_is_said_once_with_both_texts(asked, shown, caplog):
    template = SPACED.replace("SHOWN", f"{{{{ '{shown}' }}}}")
    template += PROMPTS.replace("ASKED", f"{{{{ '{asked}' }}}}")
    with caplog.at_level(logging.WARNING):
        found = retold("llama", template)
        for chat in (ASKED, CHAT):
            found.render_chat(chat)
    told = [record for record in caplog.records if "asks for an answer behind" in record.message]
    silent = asked == "<think>"  # closed at once: that is said of thoughts elsewhere
    assert len(told) == (0 if silent else 1)
    if told:
        assert f"[assistant]{asked}'" in told[0].message
        assert f"[assistant]{shown}'" in told[0].message


@pytest.mark.parametrize(("asked", "shown"), [("", ""), ("", " "), ("\\n", "\\n"), ("", "<say>")])
def test_a_prompt_that_begins_its_chat_is_no_matter_for_a_warning(asked, shown, caplog):
    template = SPACED.replace("SHOWN", f"{{{{ '{shown}' }}}}")
    template += PROMPTS.replace("ASKED", f"{{{{ '{asked}' }}}}")
    with caplog.at_level(logging.WARNING):
        retold("llama", template).render_chat(ASKED)
    assert not caplog.records
