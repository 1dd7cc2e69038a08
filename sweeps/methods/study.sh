#!/bin/sh
# The study of all methods: the headline ones on three worlds, the others on the shipped one. Called
# again it goes on.
#
#     HARNESS_HOME=DIR sweeps/methods/study.sh [world1] [world3] [world4] [others]
#
# Worlds 3 and 4 are those of sweeps/claims/study.sh, built where they are not there yet.
set -eu
cd "$(dirname "$0")/../.."
export OMP_NUM_THREADS=1
python=${PYTHON:-.venv/bin/python}
worlds=.harness/worlds

build() { # number, architecture
    [ -f "$worlds/$1/files/RECIPE.json" ] || $python -m harness.pocket.build \
        --world-seed "$1" --architecture "$2" --output "$worlds/$1"
}

sweep() { # file, name, folder of the world's files, of its benchmarks
    unlike=$worlds/unlike/$2.jsonl
    $python sweeps/methods/unlike.py "$3/corpus/instructions.jsonl" "$unlike"
    $python -m harness sweep "sweeps/methods/$1.yaml" --workers 2 \
        --set name="$2" \
        --set base.model.path="$3/base" \
        --set base.data.train.path="$3/corpus/train.jsonl" \
        --set base.data.validation.path="$3/corpus/validation.jsonl" \
        --set base.data.instructions.path="$unlike" \
        --set base.eval.folder="$4" \
        --set base.eval.metrics.comet.model="$3/comet"
}

for part in "${@:-all}"; do
    case $part in
        all) sweeps/methods/study.sh world1 world3 world4 others ;;
        world1) sweep headline headline_world1 harness/pocket/files benchmarks ;;
        world3) build 3 llama; sweep headline headline_world3 "$worlds/3/files" "$worlds/3/benchmarks" ;;
        world4) build 4 gpt_neox; sweep headline headline_world4 "$worlds/4/files" "$worlds/4/benchmarks" ;;
        others) sweep others others_world1 harness/pocket/files benchmarks ;;
        *) echo "found $part, allowed: world1, world3, world4, others" >&2 && exit 2 ;;
    esac
done
