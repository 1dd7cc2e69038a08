from harness.doctor import machine, parts
from harness.doctor.examine import examine
from harness.doctor.machine import Finding
from tests.projects import write_project


def test_vllm_is_a_note_where_it_is_not_there_or_has_no_gpu(monkeypatch, python_with_vllm):
    check = parts.check_vllm("nowhere")
    assert (check.state, "docs/engines.md" in check.remedy) == ("note", True)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    check = parts.check_vllm(python_with_vllm)
    assert check.state == "note"
    assert check.found == f"0.0.0 in {python_with_vllm}, but it runs on a GPU, and none is here"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert parts.check_vllm(python_with_vllm).state == "ok"


def test_a_configuration_names_the_interpreter_that_is_looked_at(
    monkeypatch, tmp_path, tiny_model_dir, python_with_vllm
):
    config = write_project(tmp_path, tiny_model_dir)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    looked_at = []
    for name in ("check_comet", "check_pocket"):  # seconds each
        monkeypatch.setattr(parts, name, lambda: Finding("other", "ok", ""))
    monkeypatch.setattr(machine, "check_libraries", lambda: iter(()))
    for engine in ("vllm", "hugging_face"):
        settings = {"engine": engine, "vllm": {"python": python_with_vllm}}
        chosen = config.replace(eval=config.eval.replace(**settings))
        checks = {check.name: check for check in examine(tmp_path, None, chosen)}
        assert "configuration" in checks
        looked_at.append(checks["vllm"].found)
    assert looked_at[0] == f"0.0.0 in {python_with_vllm}; engine: vllm uses it"
    assert python_with_vllm not in looked_at[1]
