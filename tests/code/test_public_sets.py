"""What `python -m bench public` writes into params.yaml is what the stages take."""

import shutil
from pathlib import Path

import pytest

from bench.clone import change_params
from bench.public import SETS, bring
from problems import parts
from problems.parts import find_problem
from retrace.base.params import read_params
from retrace.past.splits import SplitParams
from tests.conftest import ROOT

OWN = [name for name, one in SETS.items() if not one.new]


@pytest.mark.parametrize("name", OWN)
def test_a_set_changes_only_parameters_that_there_are(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    public = SETS[name]
    change_params(tmp_path, public.params)
    for protocol in public.protocols.values():
        change_params(tmp_path, protocol)
        read_params(parts.reader(public.world).settings, f"{public.world}.ingest")
        for problem in map(find_problem, public.problems):
            assert problem.world == public.world
            parts.settings(SplitParams, problem, "split")
            parts.settings(parts.features(public.world).settings, problem, "features")
            parts.settings(parts.evaluation(public.world).settings, problem, "evaluate")


def test_a_set_without_its_files_says_which_they_are(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="Sepsis Cases"):
        bring(tmp_path, "sepsis", SETS["sepsis"], [])


def test_one_file_is_the_source_and_several_are_a_folder(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("orders.csv", "items.csv")]
    for file in files:
        file.write_text("a\n1\n")
    one, both = (bring(tmp_path / f"{n}", "olist", SETS["olist"], files[:n]) for n in (1, 2))
    assert one == Path("data/external/olist/orders.csv")
    assert both == Path("data/external/olist")
    assert sorted(path.name for path in (tmp_path / "2" / both).iterdir()) == [
        "items.csv", "orders.csv",
    ]  # fmt: skip
