#!/usr/bin/env bash
# On a machine with a CUDA device, in about six minutes: what the bench measures there, then the tests that train.
#
# Needs a Python with torch and what core imports ($PYTHON, else python3), and LAB_DATA_DIR; no network.
# Each part has its own limit; what it found is kept in $BENCH_RESULTS (else bench-results) before the next begins.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export BENCH_RESULTS=${BENCH_RESULTS:-bench-results} PYTHONUNBUFFERED=1
python=${PYTHON:-python3}
mkdir -p "$BENCH_RESULTS"

part() { # limit in seconds, name, command
  local limit=$1 name=$2
  shift 2
  echo "== $name"
  timeout "$limit" "$@" 2>&1 | tee "$BENCH_RESULTS/$name.log" | tail -n 40
}

nvidia-smi | tee "$BENCH_RESULTS/machine.log"
part 60 device-share "$python" -m tools.bench device-share
part 135 device-study "$python" -m tools.bench device-study
part 60 published-vgg "$python" -m tools.bench published-vgg
part 100 device-estimate "$python" -m tools.bench device-estimate
part 75 device-bits "$python" -m tools.bench device-bits
part 90 tests "$python" -m pytest -q -n 4 --dist loadfile -p no:benchmark -p no:cacheprovider tests/core/training tests/core/measure tests/core/jobs/test_side_by_side.py
