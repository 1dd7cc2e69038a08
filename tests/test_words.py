"""One word for one thing: class names are told apart, and names of locals say what they are."""

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "harness"
FILES = sorted(path for path in PACKAGE.rglob("*.py") if "pocket" not in path.parts)
EMPTY_WORDS = {"found", "one", "made", "place", "wanted"}
"""They say how something came about, not what it is: fine for a line or two, no longer."""
MOST_LINES = 2

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def functions_of(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, FUNCTIONS))


def empty_words_in(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Names of ``EMPTY_WORDS`` that are parameters of a function or live long in it."""
    arguments = function.args
    listed = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    words = {argument.arg for argument in listed} & EMPTY_WORDS
    inner = {id(node) for other in functions_of_body(function) for node in ast.walk(other)}
    own = [node for node in ast.walk(function) if id(node) not in inner]
    in_comprehensions: set[int] = set()
    for node in own:
        if isinstance(node, COMPREHENSIONS):
            targets = {name.id for loop in node.generators for name in names_in(loop.target)}
            in_comprehensions |= {id(name) for name in names_in(node) if name.id in targets}
            if (node.end_lineno or node.lineno) - node.lineno > MOST_LINES:
                words |= targets & EMPTY_WORDS
    lines: dict[str, list[int]] = defaultdict(list)
    for node in own:
        if isinstance(node, ast.Name) and id(node) not in in_comprehensions:
            lines[node.id].append(node.lineno)
    return words | {
        name
        for name in EMPTY_WORDS & set(lines)
        if max(lines[name]) - min(lines[name]) > MOST_LINES
    }


def functions_of_body(function: ast.AST) -> Iterator[ast.AST]:
    return (
        node for node in ast.walk(function) if isinstance(node, FUNCTIONS) and node is not function
    )


def names_in(node: ast.AST) -> list[ast.Name]:
    return [name for name in ast.walk(node) if isinstance(name, ast.Name)]


def test_locals_that_live_long_say_what_they_are() -> None:
    told = [
        f"{path.relative_to(PACKAGE)}: {function.name}: {word}"
        for path in FILES
        for function in functions_of(ast.parse(path.read_text(encoding="utf-8")))
        for word in sorted(empty_words_in(function))
    ]
    assert told == []


def test_no_two_classes_have_one_name() -> None:
    names = Counter(
        node.name
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_an_empty_word_is_found_where_it_lives_long() -> None:
    (function,) = functions_of(
        ast.parse("def f(x):\n    found = x\n    y = 1\n    z = 2\n    return found\n")
    )
    assert empty_words_in(function) == {"found"}
    (function,) = functions_of(ast.parse("def f(x):\n    found = x\n    return found\n"))
    assert empty_words_in(function) == set()
