"""Where each thing lies, from the repository's top folder. `name` is a world's or a problem's."""

from pathlib import Path


def raw(world: str) -> Path:
    return Path("data/raw") / world


def truth(world: str) -> Path:
    return Path("data/truth") / world / "truth.parquet"


def truth_about(world: str) -> Path:
    return Path("data/truth") / world / "truth.json"


def clean(world: str) -> Path:
    return Path("data/clean") / f"{world}.parquet"


def quarantine(world: str) -> Path:
    return Path("data/quarantine") / f"{world}.parquet"


def ingest_metrics(world: str) -> Path:
    return Path("metrics/ingest") / f"{world}.json"


def validation_metrics(world: str) -> Path:
    return Path("metrics/validation") / f"{world}.json"


def profile(world: str) -> Path:
    return Path("metrics/profile") / f"{world}.json"


def checks(world: str) -> Path:
    return Path("problems") / world / "checks.yaml"


def features(problem: str) -> Path:
    return Path("data/features") / problem


def state(problem: str) -> Path:
    return Path("data/state") / problem


def window(problem: str, name: str) -> Path:
    return features(problem) / f"{name}.parquet"


def bundle(problem: str) -> Path:
    return Path("models") / problem


def held(problem: str) -> Path:
    return Path("data/held") / f"{problem}.parquet"


def serving(problem: str) -> Path:
    return Path("data/serving") / problem


def predictions(problem: str) -> Path:
    return Path("data/predictions") / f"{problem}.parquet"


def search(problem: str) -> Path:
    return Path("plots/search") / f"{problem}.csv"


def metrics(problem: str) -> Path:
    return Path("metrics") / f"{problem}.json"


def slices(problem: str) -> Path:
    return Path("metrics/slices") / f"{problem}.csv"


def tables(problem: str) -> Path:
    return Path("metrics/tables") / problem


def plots(problem: str) -> Path:
    return Path("plots") / problem


def comparison(problem: str) -> Path:
    return Path("metrics/comparison") / f"{problem}.json"


def backtest_metrics(problem: str) -> Path:
    return Path("metrics/backtest") / f"{problem}.json"


def backtest_tables(problem: str) -> Path:
    return Path("metrics/backtest") / problem


def part(problem: str) -> Path:
    return Path("reports/parts") / f"{problem}.json"


def story(problem: str) -> Path:
    return Path("reports/parts") / f"{problem}.story.json"
