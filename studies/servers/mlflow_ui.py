"""MLflow's server behind the gate: `python -m studies.servers.mlflow_ui PORT`."""

from __future__ import annotations

import os
import sys
import uuid
import warnings
from contextlib import suppress
from typing import Any

import uvicorn

from studies.servers.gate import Gate
from studies.servers.token import TOKEN


def application() -> Any:
    """What `mlflow server` serves, set up as that command does it: by the environment."""
    from mlflow import environment_variables as settings
    from mlflow.server import constants
    from mlflow.server.handlers import initialize_backend_stores

    store = os.environ["MLFLOW_BACKEND_STORE_URI"]
    root = "mlflow-artifacts:/"
    os.environ |= {
        constants.BACKEND_STORE_URI_ENV_VAR: store,
        constants.REGISTRY_STORE_URI_ENV_VAR: store,
        constants.ARTIFACT_ROOT_ENV_VAR: root,
        constants.SERVE_ARTIFACTS_ENV_VAR: "true",
        constants.ARTIFACTS_DESTINATION_ENV_VAR: os.environ["MLFLOW_ARTIFACTS_DESTINATION"],
        # by these MLflow knows that code which its database holds is not to be run here
        settings._MLFLOW_SERVER_BOOT_ID.name: uuid.uuid4().hex,
        settings._MLFLOW_IN_JOB_EXECUTOR.name: "false",
    }
    initialize_backend_stores(store, store, root)
    with warnings.catch_warnings(action="ignore"):  # of MLflow's own imports
        from mlflow.server import fastapi_app

    return fastapi_app.app


def main(port: int) -> None:
    """Serve until somebody ends it."""
    gate = Gate(application(), "fairtune ui", os.environ.pop(TOKEN, None))
    with suppress(KeyboardInterrupt):
        uvicorn.run(gate, host="127.0.0.1", port=port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main(int(sys.argv[1]))
