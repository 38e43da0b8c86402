"""Draw the plots of dvc.yaml into one page that opens without a network.

    retrace plots                   of the workspace
    retrace plots HEAD wide         of commits and experiments, beside each other

The page of `dvc plots` loads its scripts from jsdelivr.net; in this one they stand in the page.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import vl_convert

from retrace.base.files import replacing

TEMPLATE = Path(".dvc/tmp/retrace/plots.html")
VEGA_LITE = "5.21"  # the schema of .dvc/plots
# DVC fills in {plot_divs}; where {scripts} is missing, its own stay out.
PAGE = """<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<title>Plots</title>
<script>{bundle}</script>
</head>
<body>
{{plot_divs}}
</body>
</html>
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "revisions", nargs="*", default=[], help="commits and experiments; without, the workspace"
    )


def run(args: argparse.Namespace) -> int:
    with replacing(TEMPLATE) as partial:
        bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", VEGA_LITE)
        partial.write_text(PAGE.format(bundle=bundle), "utf-8")
    words = ["diff", *args.revisions] if args.revisions else ["show"]
    command = [sys.executable, "-m", "dvc", "plots", *words, "--html-template", str(TEMPLATE)]
    return subprocess.run(command, check=False).returncode
