"""Chat templates of four kinds that chat models use, written for the toy models of these families.

``HEADERS``: a forced beginning of text, a header before every turn. ``INSTRUCTIONS``: no system
turn (it raises), the user's turns in brackets, a blank before each answer. ``THOUGHTS``: turns
between marks, answers that may begin with thoughts, a switch for them, thoughts of earlier answers
left out. ``MODEL_TURNS``: no system turn, and the assistant is called "model".
"""

HEADERS = (
    "{{- bos_token -}}"
    "{%- for turn in messages -%}"
    "{{- '<|start_header_id|>' + turn.role + '<|end_header_id|>\n\n' -}}"
    "{{- turn.content.strip() + '<|eot_id|>' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}"
    "{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}"
    "{%- endif -%}"
)

INSTRUCTIONS = (
    "{{- bos_token -}}"
    "{%- for turn in messages -%}"
    "{%- set wanted = 'assistant' if loop.index0 is odd else 'user' -%}"
    "{%- if turn.role != wanted -%}"
    "{{- raise_exception('turns must alternate between user and assistant') -}}"
    "{%- endif -%}"
    "{%- if wanted == 'user' -%}"
    "{{- '[INST] ' + turn.content + '[/INST]' -}}"
    "{%- else -%}"
    "{{- ' ' + turn.content.strip() + eos_token -}}"
    "{%- endif -%}"
    "{%- endfor -%}"
)

THOUGHTS = (
    "{%- for turn in messages -%}"
    "{{- '<|im_start|>' + turn.role + '\n' -}}"
    "{%- if turn.role == 'assistant' and '</think>' in turn.content and not loop.last -%}"
    "{{- turn.content.split('</think>')[-1].lstrip('\n') -}}"
    "{%- elif turn.role == 'assistant' and '</think>' not in turn.content and loop.last -%}"
    "{{- '<think>\n\n</think>\n\n' + turn.content -}}"
    "{%- else -%}"
    "{{- turn.content -}}"
    "{%- endif -%}"
    "{{- '<|im_end|>\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}"
    "{{- '<|im_start|>assistant\n' -}}"
    "{%- if enable_thinking is defined and enable_thinking is false -%}"
    "{{- '<think>\n\n</think>\n\n' -}}"
    "{%- endif -%}"
    "{%- endif -%}"
)

MODEL_TURNS = (
    "{{- bos_token -}}"
    "{%- if messages and messages[0].role == 'system' -%}"
    "{{- raise_exception('this model has no system turn') -}}"
    "{%- endif -%}"
    "{%- for turn in messages -%}"
    "{%- set name = 'model' if turn.role == 'assistant' else turn.role -%}"
    "{{- '<start_of_turn>' + name + '\n' + turn.content.strip() + '<end_of_turn>\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}"
    "{{- '<start_of_turn>model\n' -}}"
    "{%- endif -%}"
)

PARTS = HEADERS.replace(
    "turn.content.strip()", "turn.content | map(attribute='text') | join | trim"
)
"""``HEADERS`` of a model that reads pictures too: a turn's content is a list of parts."""

DATED = HEADERS.replace(
    "{{- bos_token -}}", "{{- bos_token + 'Today is ' + strftime_now('%d %b %Y') + '.' -}}"
)
"""``HEADERS`` with the day in front."""
