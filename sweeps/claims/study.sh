#!/bin/sh
# The study of sft against radis on three worlds, and its controls. Called again it goes on.
#
#     HARNESS_HOME=DIR sweeps/claims/study.sh [world1] [world3] [world4] [controls]
#
# Worlds 3 and 4 are built where they are not there yet, under .harness/worlds.
set -eu
cd "$(dirname "$0")/../.."
export OMP_NUM_THREADS=1
harness="${PYTHON:-.venv/bin/python} -m harness"
worlds=.harness/worlds

build() { # number, architecture
    [ -f "$worlds/$1/files/RECIPE.json" ] || $harness.pocket.build \
        --world-seed "$1" --architecture "$2" --output "$worlds/$1"
}

on_world() { # number
    files=$worlds/$1/files
    $harness sweep sweeps/claims/sft_vs_radis.yaml --workers 2 \
        --set name="claims_world$1" \
        --set base.model.path="$files/base" \
        --set base.data.train.path="$files/corpus/train.jsonl" \
        --set base.data.validation.path="$files/corpus/validation.jsonl" \
        --set base.eval.folder="$worlds/$1/benchmarks" \
        --set base.eval.metrics.comet.model="$files/comet"
}

last_line() { # translation benchmarks whose answer is the last line of what was said
    mkdir -p "$worlds/last_line/data" "$worlds/last_line/pocket_last_line"
    cp -R benchmarks/data/pocket_translation "$worlds/last_line/data/"
    for file in benchmarks/pocket_translation/*.yaml; do
        sed -e 's/extract: first_paragraph/extract: {rule: regex, pattern: "[^\\n]+", pick: last}/' \
            -e 's/task: pocket_translation/task: pocket_last_line/' "$file" \
            >"$worlds/last_line/pocket_last_line/${file##*/}"
    done
}

for part in "${@:-all}"; do
    case $part in
        all) sweeps/claims/study.sh world1 world3 world4 controls ;;
        world1) $harness sweep sweeps/claims/sft_vs_radis.yaml --workers 2 ;;
        world3) build 3 llama; on_world 3 ;;
        world4) build 4 gpt_neox; on_world 4 ;;
        controls)
            last_line
            $harness sweep sweeps/claims/controls.yaml --workers 2 \
                --set base.eval.folder="[benchmarks, $worlds/last_line]"
            ;;
        *) echo "found $part, allowed: world1, world3, world4, controls" >&2 && exit 2 ;;
    esac
done
