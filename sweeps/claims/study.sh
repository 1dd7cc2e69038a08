#!/bin/sh
# The study of sft against radis on three worlds. Called again it goes on where it was.
#
#     HARNESS_HOME=DIR sweeps/claims/study.sh [world1] [world3] [world4]
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

for part in "${@:-all}"; do
    case $part in
        all) sweeps/claims/study.sh world1 world3 world4 ;;
        world1) $harness sweep sweeps/claims/sft_vs_radis.yaml --workers 2 ;;
        world3) build 3 llama; on_world 3 ;;
        world4) build 4 gpt_neox; on_world 4 ;;
        *) echo "found $part, allowed: world1, world3, world4" >&2 && exit 2 ;;
    esac
done
