"""Rows in the very form of public data sets, made here: no test needs a file of somebody else's."""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from problems import parts
from tests.conftest import ROOT

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
ODD = Path(__file__).with_name("listings.tsv")  # written by hand: what real listings surprise with
HOUR, DAY = 3600.0, 86_400.0
SIDES = ("length", "height", "width")


def listings(path: Path, rows: int = 400) -> Path:
    """Write a file as the Mercari challenge has it: tab separated, no quoting, empty fields, a few
    prices of 0; simulated rows and those of listings.tsv."""
    simulator = parts.simulator("price")
    settings = simulator.settings(**{**PARAMS["price"]["simulate"], "rows": rows})
    simulated = next(iter(simulator.simulate(settings).raw.values()))
    text = simulated.to_csv(sep="\t", index=False, lineterminator="\n", quoting=3)
    odd = ODD.read_text(encoding="utf-8").split("\n", 1)[1]
    path.write_bytes((text + odd).encode())
    return path


def olist(folder: Path, orders: int = 2500, seed: int = 5) -> Path:
    """Write the five tables of Olist's orders: local times without an offset, one row an order with
    a time for each step, promises that are much too long, some orders cancelled or under way."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    ids = [f"{number:032x}" for number in rng.permutation(orders * 10)[:orders]]
    state = rng.choice(["SP", "RJ", "AM"], orders, p=[0.6, 0.3, 0.1])
    slow = np.select([state == "SP", state == "RJ"], [0.6, 1.1], 2.4)
    bought = np.sort(rng.uniform(0, 270 * DAY, orders))
    approved = bought + rng.lognormal(np.log(0.35 * HOUR), 1.0, orders)
    carried = approved + rng.lognormal(np.log(1.84 * DAY), 0.6, orders)
    arrived = carried + slow * rng.lognormal(np.log(7.1 * DAY), 0.5, orders)
    promised = np.ceil((bought + rng.normal(23.2 * DAY, 3 * DAY, orders)) / DAY) * DAY
    end = 270 * DAY
    cancelled = rng.random(orders) < 0.01
    status = np.select(
        [cancelled, arrived < end, carried < end, approved < end],
        ["canceled", "delivered", "shipped", "processing"],
        "created",
    )
    times = {
        "order_purchase_timestamp": (bought, bought < end),
        "order_approved_at": (approved, approved < end),
        "order_delivered_carrier_date": (carried, (carried < end) & ~cancelled),
        "order_delivered_customer_date": (arrived, (arrived < end) & ~cancelled),
        "order_estimated_delivery_date": (promised, promised > 0),
    }
    product, seller = rng.integers(0, 40, orders), rng.integers(0, 25, orders)
    tables = {
        "orders": pd.DataFrame(
            {"order_id": ids, "customer_id": ids, "order_status": status}
            | {name: _local(*column) for name, column in times.items()}
        ),
        "order_items": pd.DataFrame(
            {
                "order_id": ids,
                "order_item_id": 1,
                "product_id": [f"p{number:031x}" for number in product],
                "seller_id": [f"s{number:031x}" for number in seller],
                "shipping_limit_date": _local(carried + DAY, bought < end),
                "price": rng.lognormal(4, 0.8, orders).round(2),
                "freight_value": rng.lognormal(2.7, 0.4, orders).round(2),
            }
        ),
        "customers": pd.DataFrame(
            {
                "customer_id": ids,
                "customer_unique_id": ids,
                "customer_zip_code_prefix": rng.integers(1000, 99_999, orders),
                "customer_city": "sao paulo",
                "customer_state": state,
            }
        ),
        "products": pd.DataFrame(
            {
                "product_id": [f"p{number:031x}" for number in range(40)],
                "product_category_name": rng.choice(["moveis_decoracao", "beleza_saude", ""], 40),
                "product_weight_g": rng.integers(100, 9000, 40),
                **{f"product_{side}_cm": rng.integers(5, 90, 40) for side in SIDES},
            }
        ),
        "sellers": pd.DataFrame(
            {
                "seller_id": [f"s{number:031x}" for number in range(25)],
                "seller_zip_code_prefix": rng.integers(1000, 99_999, 25),
                "seller_city": "mogi guacu",
                "seller_state": rng.choice(["SP", "PE"], 25),
            }
        ),
    }
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return folder


def _local(seconds: np.ndarray, known: np.ndarray) -> pd.Series:
    moments = pd.Timestamp("2017-01-05") + pd.to_timedelta(np.round(seconds), unit="s")
    return pd.Series(moments.strftime("%Y-%m-%d %H:%M:%S")).where(known)
