"""One peer that serves a booster of LightGBM; run by a Python that has the peer.

    python serving_peer.py PEER PORT FOLDER     empty, fastapi, mlserver, mlflow or bentoml

FOLDER has booster.txt and columns.json. Each has one worker, as its guide says, and no log of
predictions, no history and no features: a request has the model's columns.
"""

import json
import os
import sys
from pathlib import Path

HOST = "127.0.0.1"


def serve(app, port):
    import uvicorn

    uvicorn.run(app, host=HOST, port=port, log_level="warning", access_log=False,
                loop="uvloop", http="httptools")  # fmt: skip


def empty(port, _folder):
    from fastapi import FastAPI

    app = FastAPI()

    @app.post("/empty")
    async def answer():
        return {"status": "empty"}

    serve(app, port)


def fastapi(port, folder):
    """A pydantic model of the columns, and a DataFrame of one row: what most guides show."""
    import lightgbm
    import pandas
    from fastapi import FastAPI
    from pydantic import create_model

    booster = lightgbm.Booster(model_file=folder / "booster.txt")
    columns = json.loads((folder / "columns.json").read_text())
    row_type = create_model("Row", **dict.fromkeys(columns, (float, ...)))
    app = FastAPI()

    @app.post("/predict")
    def answer(row: row_type):
        return {"prediction": float(booster.predict(pandas.DataFrame([row.model_dump()]))[0])}

    serve(app, port)


def mlserver(port, folder):
    settings = {"host": HOST, "http_port": port, "grpc_port": port + 1, "metrics_port": port + 2,
                "parallel_workers": 0, "debug": False, "logging_settings": None}  # fmt: skip
    model = {"name": "peer", "implementation": "mlserver_lightgbm.LightGBMModel",
             "parameters": {"uri": "./booster.txt"}}  # fmt: skip
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps(model))
    run("mlserver", "start", str(folder))


def mlflow(port, folder):
    import lightgbm
    import mlflow.lightgbm

    booster = lightgbm.Booster(model_file=folder / "booster.txt")
    mlflow.lightgbm.save_model(booster, str(folder / "mlflow"))
    run("mlflow", "models", "serve", "-m", str(folder / "mlflow"), "--env-manager", "local",
        "-h", HOST, "-p", str(port), "-w", "1")  # fmt: skip


SERVICE = """
import bentoml, lightgbm, pandas

@bentoml.service(workers=1)
class Peer:
    def __init__(self):
        self.booster = lightgbm.Booster(model_file={file!r})

    @bentoml.api
    def predict(self, row: dict[str, float]) -> float:
        return float(self.booster.predict(pandas.DataFrame([row]))[0])
"""


def bentoml(port, folder):
    (folder / "service.py").write_text(SERVICE.format(file=str(folder / "booster.txt")))
    run("bentoml", "serve", "service:Peer", "--working-dir", str(folder), "--host", HOST,
        "--port", str(port))  # fmt: skip


def run(name, *words):
    """Become a command of this Python's environment."""
    bin_folder = Path(sys.executable).parent
    os.environ["PATH"] = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
    os.environ["BENTOML_DO_NOT_TRACK"] = os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    command = bin_folder / name
    os.execv(command, [str(command), *words])  # noqa: S606


if __name__ == "__main__":
    globals()[sys.argv[1]](int(sys.argv[2]), Path(sys.argv[3]))
