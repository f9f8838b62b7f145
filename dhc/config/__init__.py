"""RunConfig: everything that a run is asked to do, as one frozen, typed object.

The form, the command line's ``--set``, the comparison table and the docs are derived from its fields. A new hyperparameter
is one ``knob(...)`` in `sections`, with its meaning below it, plus the code that obeys it.
"""

from dhc.config.knob import COMMON, MISSION, RARE, ConfigField
from dhc.config.run import RunConfig, differences, fields, find_field, one_of_each, read_assignment
from dhc.config.sections import (
    AugmentConfig,
    DataConfig,
    DeviceConfig,
    KnnConfig,
    ModelConfig,
    OptimizerConfig,
    ScheduleConfig,
)

__all__ = [
    "COMMON",
    "MISSION",
    "RARE",
    "AugmentConfig",
    "ConfigField",
    "DataConfig",
    "DeviceConfig",
    "KnnConfig",
    "ModelConfig",
    "OptimizerConfig",
    "RunConfig",
    "ScheduleConfig",
    "differences",
    "fields",
    "find_field",
    "one_of_each",
    "read_assignment",
]
