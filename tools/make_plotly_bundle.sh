#!/usr/bin/env bash
# Makes core/report/browser/plotly.min.js anew: plotly.js with the traces that the lab draws, a
# quarter of the whole; then, compressed by Zopfli, plotly.min.js.gz. Needs npm and pip. After a change of Plotly's Python package, or for another trace.
set -euo pipefail
version="${1:-4.1.1}" # plotly.offline.get_plotlyjs_version() of the installed package
target="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/core/report/browser/plotly.min.js"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts "plotly.js@$version" esbuild@0.28.2 >/dev/null
cat >entry.js <<'JS'
import Plotly from 'plotly.js/lib/core.js'; // has scatter
import bar from 'plotly.js/lib/bar.js';
import heatmap from 'plotly.js/lib/heatmap.js';
import contour from 'plotly.js/lib/contour.js';
Plotly.register([bar, heatmap, contour]);
export default Plotly;
JS
npx esbuild entry.js --bundle --minify --format=esm --target=es2020 --define:global=window \
  --loader:.css=empty --legal-comments=none --outfile="$target" \
  --banner:js="/* plotly.js v$version, scatter, bar, heatmap and contour. Copyright 2012-2026, Plotly, Inc. MIT license. */"
python3 -m pip install --quiet --target packages zopfli
PYTHONPATH=packages python3 - "$target" <<'PY'
import sys
from pathlib import Path

import zopfli.gzip

path = Path(sys.argv[1])
path.with_name(path.name + ".gz").write_bytes(zopfli.gzip.compress(path.read_bytes()))
PY
