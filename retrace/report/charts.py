"""The plots that dvc.yaml defines, filled as `dvc plots` fills them and drawn as SVG without a
browser."""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
import vl_convert
import yaml
from dvc.exceptions import DvcException
from dvc.render.converter.vega import VegaConverter
from dvc_render.exceptions import DvcRenderError
from dvc_render.vega import VegaRenderer

from retrace.base.errors import RetraceError
from retrace.report.inputs import read_text_rows

DVC_YAML = Path("dvc.yaml")
TEMPLATES = Path(".dvc/plots")
PICTURES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}

# Texts are measured in a font that matplotlib carries and that has been the same everywhere since
# 2016; of vl-convert's own Liberation Sans, systems have versions with other kerning. The page then
# draws them in the reader's font, which is not wider.
FONT = "DejaVu Sans"
FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
ACCENT = "#2a8a94"
REVISION = "workspace"
VEGA_LITE = "5.8"  # of those that vl-convert has, the closest to what `dvc plots` opens
CONFIG: dict[str, Any] = {
    "font": FONT,
    "background": "transparent",
    "view": {"stroke": None},
    "mark": {"color": ACCENT},
    "text": {"color": "currentColor"},
    "axis": {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "titleFontWeight": "normal",
        "labelFontSize": 11,
        "titleFontSize": 11,
        "domainColor": "#8a9499",
        "tickColor": "#8a9499",
        "gridColor": "#8a9499",
        "gridOpacity": 0.22,
        "labelLimit": 220,
    },
    "legend": {"labelColor": "currentColor", "titleColor": "currentColor", "labelFontSize": 11},
    "header": {"labelColor": "currentColor", "titleColor": "currentColor"},
    "title": {"color": "currentColor", "fontWeight": "normal"},
}


@dataclass(frozen=True)
class Plot:
    """One plot of dvc.yaml: a file and how it is drawn."""

    path: Path
    properties: dict[str, str]

    @property
    def title(self) -> str:
        return self.properties.get("title") or self.path.stem.replace("_", " ").capitalize()


def read_plots(name: str, world: str, path: Path = DVC_YAML) -> list[Plot]:
    """Return a problem's plots, of the stages of dvc.yaml that fan out over all problems."""
    values = {"key": name, "item": {"world": world}}
    return [
        plot
        for stage in read_dvc_yaml(path)["stages"].values()
        if stage.get("foreach") == "${problems}"
        for plot in _plots(_fill(stage["do"].get("plots", []), values))
    ]


def described(name: str, path: Path = DVC_YAML) -> str:
    """Return what dvc.yaml says of a problem's model as a sentence, empty where it says nothing."""
    artifact = (read_dvc_yaml(path).get("artifacts") or {}).get(name) or {}
    text = str(artifact.get("desc") or "").strip().rstrip(".")
    return f"{text[0].upper()}{text[1:]}." if text else ""


def read_dvc_yaml(path: Path) -> Any:
    try:
        found = _parsed(path.read_text(encoding="utf-8"))
        found["stages"].values()
    except FileNotFoundError:
        raise RetraceError(
            f"{path} not found in {Path.cwd()}. Run from the top folder of the repository."
        ) from None
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise RetraceError(f"{path} is not a valid dvc.yaml: {error}") from None
    return found


@cache
def _parsed(text: str) -> Any:
    return yaml.safe_load(text)


def draw(plot: Plot, mark: str) -> str:
    """Return a plot as HTML: an inline SVG, or a picture as data. `mark` keeps SVG ids apart."""
    if plot.path.suffix in PICTURES:
        return _picture(plot)
    return draw_spec(one_revision(filled(plot)), mark)


def draw_spec(spec: dict[str, Any], mark: str) -> str:
    """Return a Vega-Lite specification as an inline SVG in the page's style."""
    _register_font()
    svg = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE, config=CONFIG)
    return _inline(svg, f"{mark}-")


def filled(plot: Plot) -> dict[str, Any]:
    """Fill the plot's template with its data, through the code that `dvc plots` uses."""
    rows = read_text_rows(plot.path)
    if not rows:
        raise RetraceError(f"{plot.path} has no rows to draw. Make it again: `dvc repro -f`.")
    name = plot.path.as_posix()
    properties: dict[str, Any] = {**plot.properties, "title": ""}  # the page has its own heading
    try:
        points, properties = VegaConverter(name, {name: rows}, properties).flat_datapoints(REVISION)
        renderer = VegaRenderer(points, name, template_dir=str(TEMPLATES), **properties)
        spec: dict[str, Any] = renderer.get_filled_template()
    except (DvcException, DvcRenderError, ValueError) as error:
        raise RetraceError(f"{DVC_YAML}: plot {name} cannot be drawn: {error}") from None
    return spec


def one_revision(node: Any) -> Any:
    """Draw in the page's colour and leave out legends of revisions: a report has just one."""
    if isinstance(node, list):
        return [one_revision(item) for item in node]
    if not isinstance(node, dict):
        return node
    result = {}
    for key, value in node.items():
        value = one_revision(value)
        if isinstance(value, dict) and value.get("field") == "rev":
            if key in ("color", "fill", "stroke"):
                value = {**value, "legend": None, "scale": {"range": [ACCENT]}}
            elif key in ("row", "column"):
                value = {**value, "header": None}
        result[key] = value
    return result


@cache
def _register_font() -> None:
    vl_convert.register_font_directory(str(FONTS))


def _inline(svg: str, prefix: str) -> str:
    """Make an SVG part of a page: ids of its own, the page's font, no namespaces."""
    ids = dict.fromkeys(re.findall(r'<[a-zA-Z]+ id="([^"]+)"', svg))
    for place, old in enumerate(ids):
        new = f"{prefix}{place}"
        svg = svg.replace(f'id="{old}"', f'id="{new}"').replace(f"url(#{old})", f"url(#{new})")
    svg = svg.replace(f' font-family="{FONT}"', "")
    return re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg, count=2)


def _picture(plot: Plot) -> str:
    try:
        data = base64.b64encode(plot.path.read_bytes()).decode("ascii")
    except FileNotFoundError:
        raise RetraceError(
            f"{plot.path} is missing. Make it with `dvc repro`, or `dvc pull`."
        ) from None
    return f'<img src="data:{PICTURES[plot.path.suffix]};base64,{data}" alt="">'


def _plots(entries: list[Any]) -> Iterator[Plot]:
    for entry in entries:
        if isinstance(entry, str):
            yield Plot(Path(entry), {})
            continue
        for path, properties in entry.items():
            for one in properties if isinstance(properties, list) else [properties or {}]:
                kept = {key: str(value) for key, value in one.items() if key in PROPERTIES}
                yield Plot(Path(path), kept)


PROPERTIES = ("template", "x", "y", "x_label", "y_label", "title")


def _fill(node: Any, values: Mapping[str, Any]) -> Any:
    """Replace `${key}` and `${item.world}` by their values, as DVC does."""
    if isinstance(node, Mapping):
        return {_fill(key, values): _fill(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [_fill(value, values) for value in node]
    if not isinstance(node, str):
        return node
    whole = re.fullmatch(r"\$\{([^}]+)\}", node)
    if whole:
        return _value(whole[1], values)
    return re.sub(r"\$\{([^}]+)\}", lambda found: str(_value(found[1], values)), node)


def _value(name: str, values: Mapping[str, Any]) -> Any:
    node: Any = values
    for part in name.strip().split("."):
        if not isinstance(node, Mapping) or part not in node:
            raise RetraceError(f"{DVC_YAML}: '${{{name}}}' of a plot is no name or world.")
        node = node[part]
    return node
