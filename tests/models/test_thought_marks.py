import pytest

from harness.models.identity import model_identity
from harness.models.spec import ModelSpec
from harness.models.thoughts import MARKS, closed, split_thoughts, thinking
from harness.models.tokenizer import ChatTokenizer, load_tokenizer
from tests.toys.tiny import save_tiny


@pytest.mark.parametrize(("opened", "close"), MARKS)
def test_what_stands_between_the_marks_of_any_family_is_no_answer(opened, close):
    assert split_thoughts(f"{opened}two and two{close}\n\n4")[1] == "4"
    assert split_thoughts(f"\n{opened}a{close}\n{opened}b{close}4")[1] == "4"
    assert split_thoughts(f"{opened}two and") == (f"{opened}two and", "")
    assert split_thoughts(f"two and two\n{close}\n4")[1] == "4"
    assert closed(f"user: 2+2\n{opened}\n").rstrip().endswith(close)


@pytest.mark.parametrize(
    "text",
    [
        "Use </think> to end the thoughts.",
        "The tag is `</think>` and nothing else",
        'It ends with "</think>".',
        "Models write <think> and </think> around their thoughts.",
        "An example:\n```\n<think>hm</think>\n4\n```",
        "A prompt of Magistral ends in [/THINK]: so does this.",
        "analysis of the text: assistants finally agree",
        "Analysis shows 4",
        "4",
        "",
    ],
)
def test_an_answer_that_speaks_of_thoughts_loses_nothing(text):
    assert split_thoughts(text) == ("", text)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<think>hm</think>Write </think> behind it.", "Write </think> behind it."),
        ("<think>a <think>b</think> c</think>4", "4"),
        ("<think>I would write <think> here</think>4", "4"),
        ("hm, two</think>4", "4"),
        ("hm, two </think> The answer is 4", " The answer is 4"),
        ("<reasoning>hm</reasoning>\n<answer>4</answer>", "4"),
        ("<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>4<|END_RESPONSE|>", "4"),
        (
            "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>4",
            "4",
        ),
        ("<|channel|>final<|message|>4<|return|>", "4"),
        ("<|channel|>analysis<|message|>hm, is it", ""),
        ("analysisWe need to add.assistantfinal4", "4"),
        ("analysis2+2.assistantcommentaryhm.assistantfinalIt is 4.", "It is 4."),
        ("analysisWe need to", ""),
        ("assistantanalysisWe add.assistantfinal4", "4"),
    ],
)
def test_the_answer_begins_behind_the_last_of_the_thoughts(text, answer):
    thoughts, said = split_thoughts(text)
    assert said == answer
    assert text.startswith(thoughts)


def test_marks_of_ones_own_take_the_place_of_the_others():
    plan = ("<plan>", "</plan>")
    assert split_thoughts("<plan>hm</plan>4", plan) == ("<plan>hm</plan>", "4")
    assert split_thoughts("<think>hm</think>4", plan) == ("", "<think>hm</think>4")
    assert split_thoughts("<think>hm</think>4", "off") == ("", "<think>hm</think>4")
    assert closed("x <plan>", plan).split() == ["x", "<plan>", "</plan>"]


@pytest.mark.parametrize("mark", ["[THINK]", "<seed:think>", "◁think▷", "<|END_THINKING|>"])
def test_a_template_that_knows_any_of_the_marks_knows_thoughts(mark):
    assert "cut off the answer" in thinking(f"x {mark}")


def test_of_gpt_oss_it_is_said_that_its_channels_are_cut():
    template = "{% if message.thinking %}<|channel|>analysis{% endif %}"
    assert (
        thinking(template) == "kept out of the final channel, or cut off the answer where they end"
    )


def marked(folder, **settings):
    """A tokenizer whose marks of thoughts are special tokens, and ids of thoughts and an answer."""
    tokenizer = load_tokenizer(ModelSpec(path=str(save_tiny(folder)), device="cpu")).tokenizer
    tokenizer.add_special_tokens({"additional_special_tokens": ["[THINK]", "[/THINK]"]})
    tokenizer.chat_template += "{# #}{{ '[THINK]' if false }}"
    chat = ChatTokenizer(tokenizer, **settings)
    return chat, (*chat.encode("[THINK]hm[/THINK]4"), *chat.ending)


def test_marks_that_are_special_tokens_are_seen_though_they_are_not_written(tmp_path):
    chat, ids = marked(tmp_path / "model")
    said = chat.generation(ids)
    assert (said.thoughts, said.text.strip(), said.finished) == ("[THINK]hm[/THINK]", "4", True)


def test_with_thoughts_off_nothing_is_cut(tmp_path):
    chat, ids = marked(tmp_path / "model", thoughts="off")
    said = chat.generation(ids)
    assert (said.thoughts, said.text.replace(" ", "")) == ("", "hm4")


@pytest.mark.parametrize(
    ("given", "kept"), [(["<p>", "</p>"], ("<p>", "</p>")), (False, "off"), ("off", "off")]
)
def test_the_setting_takes_two_marks_or_off_as_yaml_reads_it(given, kept):
    assert ModelSpec(path="m", thoughts=given).thoughts == kept


@pytest.mark.parametrize("given", [["<p>", "<p>"], ["<p>", " "], ["<p>"], "on"])
def test_other_settings_are_refused(given):
    with pytest.raises(ValueError, match="thoughts"):
        ModelSpec(path="m", thoughts=given)


def test_marks_of_ones_own_are_part_of_what_a_model_is(tmp_path):
    plain = ModelSpec(path=str(save_tiny(tmp_path / "model")), device="cpu")
    assert "thoughts" not in model_identity(plain)
    own = model_identity(plain.replace(thoughts=("<p>", "</p>")))
    assert own["thoughts"] == ["<p>", "</p>"]
