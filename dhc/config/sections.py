"""The settings of a run by section, each one `knob` with its meaning below it.
Names are Keras's where Keras has one (``patience``, ``factor``, ``min_lr``, ``learning_rate``, ``epochs``).
"""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

from dhc.config.knob import COMMON, MISSION, knob

NetworkName = Literal["vgg16", "cnn9-skip", "cnn7", "cnn5", "cnn3-dropout", "cnn3", "cnn3-linear"]
NETWORKS: tuple[str, ...] = get_args(NetworkName)
WITH_FEATURES = ("vgg16", "cnn7")  # networks in which the report's code augments feature maps

# The choices elsewhere under which a setting has an effect: `when` of `knob`.
KNN = {"model.name": ("knn",)}
NETWORK = {"model.name": NETWORKS}
BATCH_NORMALISED = {"model.name": tuple(name for name in NETWORKS if name != "cnn3-linear")}
CONV_DROPOUT = {"model.name": ("vgg16", "cnn7", "cnn5", "cnn3-dropout")}
DENSE_DROPOUT = {"model.name": ("vgg16", "cnn9-skip", "cnn7")}
AUGMENTED = NETWORK | {"augment.where": ("input", "features")}
ON_INPUT = NETWORK | {"augment.where": ("input",)}
FLIPPED = ON_INPUT | {"augment.flip": ("horizontal", "vertical", "horizontal_and_vertical")}
DECAYING = NETWORK | {"optimizer.name": ("adamw", "muon")}
PLATEAU = NETWORK | {"schedule.name": ("plateau",)}
EXPONENTIAL = NETWORK | {"schedule.name": ("exponential", "warmup")}
WARM_UP = NETWORK | {"schedule.name": ("warmup", "cosine")}
REVIEWED = {"data.review": ("True",)}
CHANGING = NETWORK | {"schedule.name": ("plateau", "exponential", "warmup", "cosine")}


class Section(BaseModel):
    """A frozen group of fields that refuses unknown names; the text below a field is its help."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)


class DataConfig(Section):
    """Which pictures."""

    path: str = knob(
        "data/stand-in",
        "Data folder",
        short="pictures",
        takes="a path of 1 to 1,000 characters",
        rank=COMMON,
        min_length=1,
        max_length=1000,
    )
    """Folder with train.csv, val.csv and their pictures."""

    classes: int = knob(0, "Number of classes", short="classes", rank=COMMON, ge=0, le=10_000, zero="all")
    """Use only the first so many classes, in label order; 0 uses all."""

    train_fraction: float = knob(
        1.0, "Fraction of the training pictures", short="train fraction", rank=COMMON, gt=0, le=1, step=0.05
    )
    """Train on this share of each class's training pictures, drawn by the seed; val is never cut."""

    skip_bad: bool = knob(False, "Leave out unreadable pictures", short="unreadable left out")
    """On: pictures that cannot be read are left out and listed in the log. Off: the run refuses to start and names them."""

    shuffle_labels: bool = knob(False, "Shuffle the training labels", short="labels shuffled")
    """Deal the training labels out anew, by the seed: nothing is left to understand, only to learn by heart. For the lesson on
    nonsense; val keeps its labels."""

    review: bool = knob(False, "Train with the review", short="reviewed")
    """Train with what was marked on Review: other labels are taken, what is left out is left out. The run keeps a copy of the marks
    that it used; val stays as it is."""

    review_val: bool = knob(False, "Judge by the review, too", short="val reviewed", when=REVIEWED)
    """Val with its marks: its labels change as well, so that the result compares with no run that was judged without them."""


class ModelConfig(Section):
    """Which network."""

    name: Literal[NetworkName, "knn"] = knob("vgg16", "Network", rank=COMMON)
    """The network to train: those of the report, from its last to its first, and cnn9-skip, rebuilt from what the competition's
    runner-up published; knn looks for the nearest training pictures instead."""

    conv_dropout: float = knob(
        0.6, "Dropout after each conv group", short="dropout", rank=MISSION, ge=0, lt=1, step=0.05, when=CONV_DROPOUT
    )
    """Share of the feature values set to zero while training, after each group of convolutions."""

    dense_dropout: float = knob(
        0.7,
        "Dropout before the output",
        short="output dropout",
        rank=MISSION,
        ge=0,
        lt=1,
        step=0.05,
        when=DENSE_DROPOUT,
    )
    """Share of the values before the output layer set to zero while training."""

    width: float = knob(1.0, "Width multiplier", short="width", rank=COMMON, gt=0, le=2, step=0.125, when=NETWORK)
    """Multiplies the number of filters and units of every hidden layer; 1.0 is the report's. Cost falls with its square.
    Filters are rounded to multiples of 16 (at least 8), which processors multiply fastest."""

    head: Literal["flatten", "gap"] = knob("flatten", "Head", when={"model.name": ("vgg16",)})
    """How feature maps become a vector: Flatten (the report's) or GlobalAveragePooling2D. On pictures of 64×64 the last map is 1×1, so
    both are the same network."""

    bn_momentum: float = knob(
        0.99, "Batch normalisation momentum", short="BN momentum", ge=0, lt=1, step=0.01, when=BATCH_NORMALISED
    )
    """How slowly the averages that val is judged with follow the training batches; lower it when an epoch has few batches."""

    activation: Literal["relu", "leaky_relu", "prelu"] = knob("relu", "Activation", when=NETWORK)
    """Activation of every hidden layer; the report found leaky_relu worse. prelu: below 0 times a slope that each filter or unit learns,
    0.25 at first (He et al., 2015)."""

    initialization: Literal["glorot", "dirac"] = knob("glorot", "First weights", when=NETWORK)
    """What training begins with. glorot: all drawn, as Keras does; dirac: each convolution but the first, where it has filters enough,
    passes each of its maps on through one of them; the others are drawn (airbench94, arXiv 2404.00498)."""

    first_conv: Literal["learned", "whitened"] = knob("learned", "First convolution", when=NETWORK)
    """whitened: its filters are not learned but are the directions in which patches of up to 1,000 training pictures vary, and their
    negatives, scaled to the same spread; only its biases learn (airbench94, arXiv 2404.00498)."""


class KnnConfig(Section):
    """Nearest neighbours instead of a network."""

    metric: Literal["euclidean", "manhattan", "cosine"] = knob("euclidean", "Metric", rank=COMMON, when=KNN)
    """How far apart two pictures are, pixel by pixel."""

    k: int = knob(5, "Neighbours k", short="k", rank=COMMON, ge=1, le=1000, when=KNN)
    """How many of the nearest training pictures vote on the class."""


class AugmentConfig(Section):
    """Random changes of the training pictures that keep their class."""

    where: Literal["off", "input", "features"] = knob("input", "Where", short="augmentation", rank=COMMON, when=NETWORK)
    """On the input pictures, or where the report's code has them: between the convolutions, on feature maps."""

    flip: Literal["none", "horizontal", "vertical", "horizontal_and_vertical"] = knob(
        "horizontal_and_vertical", "Random flip", short="flip", rank=COMMON, when=AUGMENTED
    )
    """Mirror half of the pictures, drawn anew each epoch. horizontal_and_vertical is both at once, as Keras draws it: a half turn.
    none for what has a side, such as letters."""

    alternate: bool = knob(False, "Flip by turns", short="flip by turns", when=FLIPPED)
    """Instead of at random: how each picture is mirrored in the first epoch is drawn, and from then on it takes turns, so that two
    epochs show both sides of it, four epochs all forms of both flips (Jordan, 2024, arXiv 2404.00498)."""

    rotation: float = knob(
        3.0, "Random rotation", short="rotation", unit="degrees", rank=COMMON, ge=0, le=180, step=1, when=AUGMENTED
    )
    """Largest angle to either side; 180 is any angle."""

    zoom: float = knob(0.0, "Random zoom", short="zoom", ge=0, le=0.9, step=0.05, when=ON_INPUT)
    """Largest change of scale: 0.2 draws each picture at 0.8 to 1.2 of its size."""

    shear: float = knob(0.0, "Random shear", short="shear", ge=0, le=0.9, step=0.05, when=ON_INPUT)
    """Largest slant: 0.2 moves the lowest row sideways by up to 0.2 of the side, those above it by less, the topmost not at all."""

    translation: float = knob(0.0, "Random translation", short="translation", ge=0, le=0.9, step=0.05, when=ON_INPUT)
    """Largest shift along each axis, as a share of the side."""

    erasing: float = knob(0.0, "Random erasing", short="erasing", ge=0, le=1, step=0.05, when=ON_INPUT)
    """Probability that a rectangle of 2 to 33 % of a picture is overwritten with noise (Zhong et al., 2020)."""

    crop: float = knob(0.0, "Random resized crop", short="crop", ge=0, le=1, step=0.05, zero="off", when=ON_INPUT)
    """A part of each picture, of at least this share of its area, is drawn in the size of the whole (Szegedy et al., 2015); 0 is
    off."""

    policy: Literal["none", "trivial", "rand"] = knob("none", "Augmentation policy", short="policy", when=ON_INPUT)
    """trivial: each picture gets one of 14 changes of place or colour, as strong as is drawn (TrivialAugment, Müller and Hutter,
    2021); rand: two of them, at strength 9 of 30 (RandAugment, Cubuk et al., 2020)."""

    mixup: float = knob(0.0, "Mixup", ge=0, le=10, step=0.1, zero="off", when=ON_INPUT)
    """Each picture of a batch is blended with another one, and so are their labels, by shares from a beta distribution of which this
    is both parameters (Zhang et al., 2018, use 0.2 to 1); 0 is off. With CutMix, too, each batch is mixed in one of both ways."""

    cutmix: float = knob(0.0, "CutMix", ge=0, le=10, step=0.1, zero="off", when=ON_INPUT)
    """A box of another picture of the batch replaces that part of each, and labels are mixed by its area, which is drawn as the shares
    of Mixup (Yun et al., 2019, use 1); 0 is off. Long runs, which come to know their pictures by heart, gain by it; runs of a dozen
    epochs lose."""


class OptimizerConfig(Section):
    """How weights follow the gradient."""

    name: Literal["adam", "adamw", "sgd", "muon"] = knob("adam", "Optimizer", rank=COMMON, when=NETWORK)
    """adam: as in the report; adamw: Adam with decoupled weight decay; sgd: with Nesterov momentum 0.9; muon: the
    step of each hidden kernel made orthogonal, with AdamW, at the same rate, for the first and last layer, biases and batch
    normalisation (Jordan, 2024)."""

    learning_rate: float = knob(
        1e-3, "Initial learning rate", short="LR", rank=COMMON, gt=0, le=10, log=True, when=NETWORK
    )
    """Step size at the start; with a warm-up, the highest one."""

    weight_decay: float = knob(0.004, "Weight decay", ge=0, le=1, log=True, when=DECAYING)
    """AdamW and Muon shrink each weight matrix by this share of the learning rate at every step; biases and batch normalisation
    are spared."""

    ema_momentum: float = knob(
        0.0, "Weight averaging", short="averaging", ge=0, lt=1, step=0.001, zero="off", when=NETWORK
    )
    """Val is judged with a running average of the weights, ema_momentum of it kept at each step; 0 is off."""

    lookahead: int = knob(0, "Look-ahead", unit="steps", ge=0, le=1000, zero="off", when=NETWORK)
    """Only every so many steps the running average takes the weights in, and they go back to it (Zhang et al., 2019: 5 steps, at a weight
    averaging of 0.5; Jordan, 2024, finds that it helps with a low momentum of batch normalisation alone); 0 is off."""

    sam: float = knob(0.0, "Sharpness-aware radius", short="SAM", ge=0, le=10, step=0.05, zero="off", when=NETWORK)
    """The gradient is taken this far uphill of the weights, which finds flatter minima and takes two passes a step (SAM, Foret et al.,
    2021, who use 0.05); with the backend tensorflow. 0 is off."""

    bias_rate: float = knob(
        1.0, "Rate of normalisation biases", short="bias rate", gt=0, le=1000, step=1, when=NETWORK | BATCH_NORMALISED
    )
    """Biases of batch normalisation learn at so many times the learning rate (Jordan, 2024, has 64, with sgd)."""


class ScheduleConfig(Section):
    """How the learning rate changes from epoch to epoch."""

    name: Literal["plateau", "exponential", "warmup", "cosine", "constant"] = knob(
        "plateau", "Schedule", rank=COMMON, when=NETWORK
    )
    """plateau: ReduceLROnPlateau, as in the report's final model; exponential: decay_rate at each epoch; warmup: rises
    for warmup_epochs, then exponential; cosine: rises likewise, then half a cosine down to min_lr; constant: never
    changed."""

    factor: float = knob(0.8, "LR factor", short="factor", rank=MISSION, gt=0, lt=1, step=0.05, when=PLATEAU)
    """ReduceLROnPlateau multiplies the learning rate by this at each drop."""

    patience: int = knob(22, "Patience", unit="epochs", rank=MISSION, ge=1, le=10_000, when=PLATEAU)
    """Epochs without a better monitored value before the learning rate drops."""

    monitor: Literal["val_accuracy", "val_loss"] = knob("val_accuracy", "Monitor", when=PLATEAU)
    """The value that ReduceLROnPlateau watches."""

    min_delta: float = knob(1e-4, "Least improvement", short="min delta", ge=0, le=10, log=True, when=PLATEAU)
    """Only a monitored value better than the best one by more than this ends the wait of ReduceLROnPlateau."""

    decay_rate: float = knob(0.98, "Decay rate", short="decay", rank=COMMON, gt=0, lt=1, step=0.01, when=EXPONENTIAL)
    """The learning rate is multiplied by this after each epoch."""

    warmup_epochs: int = knob(5, "Warm-up", unit="epochs", rank=COMMON, ge=0, le=10_000, when=WARM_UP)
    """Epochs in which the learning rate rises evenly to its highest."""

    min_lr: float = knob(
        1e-4, "Minimum learning rate", short="min LR", rank=COMMON, ge=0, le=10, log=True, when=CHANGING
    )
    """The schedule never goes below this."""


class FitConfig(Section):
    """How long and in what portions."""

    epochs: int = knob(250, "Epochs", rank=MISSION, ge=1, le=50_000, when=NETWORK)
    """Passes over the training pictures."""

    batch_size: int = knob(32, "Batch size", unit="pictures", rank=COMMON, ge=1, le=8192, when=NETWORK)
    """Pictures per weight update."""

    seed: int = knob(0, "Seed", rank=COMMON, ge=0, le=2**31 - 1)
    """Decides initial weights, shuffle order, dropout and augmentation."""

    label_smoothing: float = knob(0.0, "Label smoothing", ge=0, lt=1, step=0.05, when=NETWORK)
    """Share of each training label that is spread evenly over all classes; val_loss is never smoothed."""

    early_stopping: int = knob(
        0, "Early stopping patience", short="early stopping", unit="epochs", ge=0, le=10_000, zero="off", when=NETWORK
    )
    """Stop after so many epochs without a better val_accuracy; 0 trains all epochs, as the report did."""

    keep_resume_state: bool = knob(True, "Keep the state to go on from", short="state kept", when=NETWORK)
    """Exact states, to resume a run that is stopped or broken off, and to branch from: the last one, also of a finished run, and
    the best one. Off: only the best network is kept on disk, and a run that ends early can only start again."""

    keep_states_every: int = knob(
        0, "Keep a state every", short="states every", unit="epochs", ge=0, le=50_000, zero="off", when=NETWORK
    )
    """Also keep the exact state of every so many epochs to branch from; 0 keeps the last and the best. Saving them is not
    held to a twentieth of the time."""

    watch_health: bool = knob(True, "Look at the layers", short="layers looked at", when=NETWORK)
    """After an epoch, figures of each layer on a few training pictures, for the health strip: at most a hundredth of the
    time. They change nothing of the training."""

    watch_pictures: bool = knob(True, "Follow the training pictures", short="pictures followed", when=NETWORK)
    """In each epoch, how sure the network is of every training picture's class, for the data map: 4 bytes a picture and epoch, at
    most 24 MB, beyond which not every epoch is kept. It changes nothing of the training."""


class DeviceConfig(Section):
    """Where and in which number format."""

    device: str = knob(
        "auto",
        "Device",
        rank=COMMON,
        takes="auto | cpu | gpu:0 | gpu:1 | …",
        pattern=r"^(auto|cpu|gpu:\d{1,2})$",
        when=NETWORK,
    )
    """auto takes the first GPU when there is one, else the CPU; or name one: cpu, gpu:0, gpu:1."""

    where: Literal["here", "ray", "slurm"] = knob("here", "Runs on", short="runs on", rank=COMMON)
    """here: on this machine; ray or slurm: on a cluster, wherever it has room. The screen Machines has the cluster's settings."""

    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = knob(
        "auto", "Precision", rank=COMMON, when=NETWORK
    )
    """Keras's dtype policy. auto: mixed_bfloat16 on GPUs that have it, mixed_float16 (with loss scaling) on older ones; on
    a CPU mixed_bfloat16 where it has instructions for that and the network is large enough to gain, else float32. In
    mixed_float16 a CPU takes hundreds of times as long."""

    backend: Literal["tensorflow", "jax", "torch"] = knob("tensorflow", "Backend", rank=COMMON, when=NETWORK)
    """Keras's backend; jax and torch work where they are installed."""

    jit: Literal["auto", "on", "off"] = knob("auto", "XLA", short="XLA", when=NETWORK)
    """Compile the training step with XLA. auto: with jax and, on a GPU without random rotation, zoom, shear or shift,
    with tensorflow."""

    steps_per_execution: int = knob(0, "Steps per execution", ge=0, le=1000, zero="auto", when=NETWORK)
    """Batches that run before Python looks at them again; 0 is auto: on a CPU up to 16, as many as take two fifths of a second on ordinary cores; on a GPU up to 32."""
