#!/usr/bin/env bash
# Everything that needs an NVIDIA GPU, in one command under ten minutes: parity of all backends, their times, a trial of
# TensorRT-RTX, torch in half precision with CUDA graphs, and the tests that run engines. The raw output is kept in
# docs/results/gpu/<name of the GPU>/. Works on a Jetson too; without a GPU it does what a CPU can and says so.
#
#   benchmarks/gpu.sh [--install] [--quick] [--out DIR] [--model NAME]
#
#   --install   first install what is missing: onnx, tensorrt, tensorrt-rtx-cu12, cuda-python, onnxruntime-gpu
#   --quick     a twentieth of the measuring time, two batch sizes, and no tests
set -uo pipefail
cd "$(dirname "$0")/.."

PYTHON=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)}
LIMIT_S=${LIMIT_S:-570}
INSTALL=no QUICK=no OUT="" MODEL=skeleformer
while [ $# -gt 0 ]; do
  case $1 in
    --install) INSTALL=yes ;;
    --quick) QUICK=yes ;;
    --out) OUT=$2; shift ;;
    --model) MODEL=$2; shift ;;
    *) sed -n '2,10p' "$0" | cut -c3-; exit 2 ;;
  esac
  shift
done
TIMES=(--seconds 1.0)
[ "$QUICK" = yes ] && TIMES=(--seconds 0.05 --batch 1 4)

GPU=$("$PYTHON" - <<'PY'
from engines.nvidia.cuda import find_gpu
from core.errors import EngineError
try:
    gpu = find_gpu()
    print(f"{gpu.name} ({gpu.capability})")
except EngineError:
    print("")
PY
)
# cuda-python may not be installed yet; the driver's own tool and the Jetson's device tree know the name as well.
if [ -z "$GPU" ] && command -v nvidia-smi >/dev/null; then GPU=$(nvidia-smi --query-gpu=name --format=csv,noheader | head -1); fi
if [ -z "$GPU" ] && [ -r /proc/device-tree/model ]; then GPU=$(tr -d '\0' </proc/device-tree/model); fi
NAME=$(echo "${GPU:-no gpu}" | tr 'A-Z' 'a-z' | tr -cs 'a-z0-9.' '-' | sed 's/^-//; s/-$//')
OUT=${OUT:-docs/results/gpu/$NAME}
mkdir -p "$OUT"
FAILED=0

# step NAME SECONDS COMMAND...: run it within what is left of the time, keep its output, go on whatever happens.
step() {
  local name=$1 most=$2; shift 2
  local left=$((LIMIT_S - SECONDS))
  [ "$left" -lt 5 ] && { echo "== $name: skipped, the time is up" | tee -a "$OUT/summary.txt"; return; }
  [ "$most" -lt "$left" ] && left=$most
  local began=$SECONDS
  echo "== $name"
  timeout -k 5 "$left" "$@" >"$OUT/$name.txt" 2>&1
  local code=$?
  cat "$OUT/$name.txt"
  echo "$name: exit code $code after $((SECONDS - began)) s" | tee -a "$OUT/summary.txt"
  return $code
}

: >"$OUT/summary.txt"
echo "GPU: ${GPU:-none found, only the CPU is measured}" | tee -a "$OUT/summary.txt"

if [ "$INSTALL" = yes ]; then
  for package in onnx cuda-python tensorrt-rtx-cu12 tensorrt onnxruntime-gpu; do
    step "install-$package" 150 "$PYTHON" -m pip install --quiet "$package"
  done
fi

machine() {
  uname -srm
  "$PYTHON" -c 'import platform, numpy, onnxruntime as o; print("python", platform.python_version(), "numpy", numpy.__version__, "onnxruntime", o.__version__, o.get_available_providers())'
  for module in torch tensorrt tensorrt_rtx cuda.bindings; do
    "$PYTHON" -c "import $module as m; print('$module', m.__version__)" 2>/dev/null || echo "$module is not installed"
  done
  command -v nvidia-smi >/dev/null && nvidia-smi
  command -v tegrastats >/dev/null && timeout 2 tegrastats --interval 500
  true
}
machine >"$OUT/machine.txt" 2>&1
cat "$OUT/machine.txt"

ENGINES=("$PYTHON" -m engines -v)
step check 150 "${ENGINES[@]}" check --model "$MODEL" --json "$OUT/check.json" || FAILED=1
step bench 200 "${ENGINES[@]}" bench --model "$MODEL" --backend tensorrt onnx-cuda onnx-cpu \
  "${TIMES[@]}" --json "$OUT/bench.json" || FAILED=1
# Its list of compute capabilities leaves out some data-centre GPUs: whatever happens on this one is a result.
step tensorrt-rtx 90 "${ENGINES[@]}" bench --model "$MODEL" --backend tensorrt-rtx --precision fp16 \
  "${TIMES[@]}" --json "$OUT/tensorrt-rtx.json"
step torch 90 "${ENGINES[@]}" bench --model "$MODEL" --backend torch --precision fp16 fp32 \
  "${TIMES[@]}" --json "$OUT/torch.json"
if [ "$QUICK" = no ]; then
  step tests 120 "$PYTHON" -m pytest -q tests/engines/test_tensorrt.py -k "batch or gpu or torch" || FAILED=1
fi
echo "took $SECONDS s; everything is in $OUT" | tee -a "$OUT/summary.txt"
exit $FAILED
