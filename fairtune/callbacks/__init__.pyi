from .boosting import lightgbm_callback, xgboost_callback
from .keras import keras_callback
from .lightning import lightning_callback
from .scikit_learn import partial_fit
from .transformers import transformers_callback

__all__ = [
    "keras_callback",
    "lightgbm_callback",
    "lightning_callback",
    "partial_fit",
    "transformers_callback",
    "xgboost_callback",
]
