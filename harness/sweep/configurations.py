"""From searched settings to configurations: building them, and whether a space allows it."""

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence

from pydantic import ValidationError

from harness.errors import unknown_name
from harness.protocols import Showing
from harness.records import JSON, Split
from harness.settings import plugins
from harness.settings.spec import explain, find_path, local_paths
from harness.settings.yaml import flatten, get_path, set_path
from harness.sweep.space import Dimension, Params, Space, exclusive, ordered, place_of
from harness.trial.config import TrialConfig

VARIANT = "variant.name"
SEARCHABLE = ("data", "variant", "lora", "train")
_OF_TRAINING = ("lora", "train")
_MAX_CONTEXTS = 64


def configure(
    base: TrialConfig,
    params: Mapping[str, JSON],
    *,
    folder: str | None = None,
    seed: int | None = None,
    splits: Sequence[Split] | None = None,
) -> TrialConfig:
    """The base with some settings changed; another variant than its own starts from its defaults.

    Args:
        base: The configuration to change.
        params: Values by dotted path, as the sweep has them.
        folder: Beside which paths among the values are looked for before the working directory.
        seed: In place of the base's.
        splits: In place of the base's.

    Raises:
        ValidationError: The settings do not make a configuration.
    """
    data = base.plain()
    variant = params.get(VARIANT, base.variant.name)
    if variant != base.variant.name:
        data["variant"] = {"name": variant}
    for path, value in params.items():
        set_path(data, place_of(path), value)
    if seed is not None:
        data["seed"] = seed
    if splits is not None:
        set_path(data, "eval.splits", tuple(splits))
    config = TrialConfig.model_validate(data)
    if folder is None or not any(isinstance(value, str | Mapping) for value in params.values()):
        return config
    paths = local_paths(config)
    for path, value in params.items():
        place = place_of(path)
        set_path(data, place, _found(value, place, paths, folder))
    return TrialConfig.model_validate(data)


def _found(value: JSON, dotted: str, paths: Collection[str], folder: str) -> JSON:
    """A value with every path in it told from the working directory."""
    if isinstance(value, Mapping):
        return {
            key: _found(inner, f"{dotted}.{key}", paths, folder) for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        several = dotted in paths
        return [
            _found(inner, dotted if several else f"{dotted}.{number}", paths, folder)
            for number, inner in enumerate(value)
        ]
    return find_path(value, folder) if dotted in paths and isinstance(value, str) else value


def space_faults(space: Space, base: TrialConfig) -> tuple[Space, list[tuple[str, str]]]:
    """The space fitted to the settings' types, and its faults as (dotted path, what is wrong).

    Paths among the values are not looked for: a file that is not there is told by who reads it.
    """
    try:
        ordered(space)
    except ValueError as error:
        return space, [("", str(error))]
    flat = flatten(base.plain())
    faults: list[tuple[str, str]] = []
    fitted: dict[str, Dimension] = {}
    for path, dimension in space.items():
        fault = _unsearchable(path) or _shared(space, path) or _idle(space, path, base)
        own = [("", fault)] if fault else _condition_faults(space, dimension, flat)
        if not own:
            fitted[path], own = _value_faults(space, path, base)
        faults += [(f"{path}.{inner}" if inner else path, text) for inner, text in own]
    return fitted, faults


def _unsearchable(path: str) -> str | None:
    """Why a path is none to search; None where it is one."""
    part = path.partition(".")[0]
    if part in SEARCHABLE:
        return None
    if part == "seed":
        return "a seed is not searched: list it in `seeds`"
    if part in TrialConfig.model_fields:
        return f"allowed: settings of {', '.join(SEARCHABLE)} (a sweep compares with one base)"
    return unknown_name("setting", part, SEARCHABLE)


def _shared(space: Space, path: str) -> str | None:
    """Which dimensions may search the same setting at once; None where none does."""
    rivals = [
        other
        for other in space
        if other != path
        and place_of(other) == place_of(path)
        and not exclusive(space[path], space[other])
    ]
    if not rivals:
        return None
    return (
        f"searches the same setting as {', '.join(rivals)}, allowed where `when:` keeps them apart"
    )


def _idle(space: Space, path: str, base: TrialConfig) -> str | None:
    """Which methods a setting of the training is searched for that train nothing; None if none.

    Each of its values would be the same trial once more. The untuned model itself may be among
    methods: sweeps that have begun are gone on with.
    """
    if path.partition(".")[0] not in _OF_TRAINING:
        return None
    names = dict.fromkeys(
        str(name)
        for context in contexts(space, path)
        for name in ([context[VARIANT]] if VARIANT in context else _variants(space, base))
    )
    known = [name for name in names if name in plugins.names("variant")]
    idle = [name for name in known if issubclass(plugins.load("variant", name), Showing)]
    if not idle:
        return None
    others = ", ".join(name for name in names if name not in idle)
    return (
        f"changes nothing with {VARIANT} {', '.join(idle)}, which trains nothing, allowed "
        f"`when: {{{VARIANT}: [{others or 'those that train'}]}}`"
    )


def _variants(space: Space, base: TrialConfig) -> Sequence[JSON]:
    return (space[VARIANT].finite or ()) if VARIANT in space else (base.variant.name,)


def _condition_faults(
    space: Space, dimension: Dimension, flat: Mapping[str, JSON]
) -> list[tuple[str, str]]:
    faults: list[tuple[str, str]] = []
    for name, allowed in dimension.when.items():
        if name not in space and name not in flat:
            known = sorted({*space, *flat})
            faults.append((f"when.{name}", unknown_name("setting", name, known)))
        elif name in space and (values := space[name].finite) is not None:
            never = [value for value in allowed if value not in values]
            if never:
                faults.append((f"when.{name}", f"found {never}, allowed: {list(values)}"))
        elif name in space:
            faults.append((f"when.{name}", "a condition needs a setting with a list of values"))
    return faults


def _value_faults(
    space: Space, path: str, base: TrialConfig
) -> tuple[Dimension, list[tuple[str, str]]]:
    """Tries the choices, or the ends of the range, wherever the dimension applies."""
    dimension = space[path]
    faults: dict[str, None] = {}
    types: set[type] = set()
    for context in contexts(space, path):
        for value in dimension.ends:
            try:
                config = configure(base, {**context, path: value})
            except ValidationError as error:
                for where, text in explain(error, TrialConfig):
                    faults.setdefault(_worded(path, where, text, context))
            else:
                types.add(type(get_path(config.plain(), place_of(path))))
    if dimension.values is None and types == {float}:
        ends = {"low": float(dimension.low or 0), "high": float(dimension.high or 0)}
        step = None if dimension.step is None else float(dimension.step)
        dimension = dimension.replace(**ends, step=step)
    elif dimension.values is None and types == {int} and not dimension.integral:
        faults.setdefault("found fractions, allowed for this setting: whole low, high and step")
    return dimension, [("", text) for text in faults]


def _worded(path: str, where: str, text: str, context: Params) -> str:
    text = text if where == place_of(path) else f"{where}: {text}"
    if not context:
        return text
    named = ", ".join(f"{name} {value!r}" for name, value in context.items())
    return f"{text} (with {named}; `when:` says where a dimension applies)"


def contexts(space: Space, path: str) -> Iterator[Params]:
    """Settings under which a dimension applies: those its conditions name, and the variants.

    Not more than enough to see what it is worth.
    """
    names: dict[str, Sequence[JSON]] = {}

    def need(name: str) -> None:
        for other, allowed in space[name].when.items():
            if other in space:
                need(other)
                names[other] = allowed

    need(path)
    if path.startswith("variant.") and path != VARIANT and VARIANT in space:
        names.setdefault(VARIANT, space[VARIANT].finite or ())
    for values in itertools.islice(itertools.product(*names.values()), _MAX_CONTEXTS):
        yield dict(zip(names, values, strict=True))
