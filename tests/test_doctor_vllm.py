from harness.doctor import parts


def test_vllm_is_a_note_where_it_is_not_there_or_has_no_gpu(monkeypatch, python_with_vllm):
    check = parts.check_vllm("nowhere")
    assert (check.state, "docs/engines.md" in check.remedy) == ("note", True)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    check = parts.check_vllm(python_with_vllm)
    assert check.state == "note"
    assert check.found == f"0.0.0 in {python_with_vllm}, but it runs on a GPU, and none is here"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert parts.check_vllm(python_with_vllm).state == "ok"
