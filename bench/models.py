"""The ten networks of the benchmark: their files, their inputs, how to get them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

SEED = 7


@dataclass(frozen=True)
class Input:
    """One input; `fill` names its values: see fill() below."""

    name: str
    shape: tuple[int, ...]
    fill: str = "image"
    dtype: str = "float32"

    def text(self) -> str:
        """The command line's spelling of the name and shape: image=1x3x224x224."""
        return f"{self.name}={'x'.join(map(str, self.shape))}"


@dataclass(frozen=True)
class Model:
    """One row. With an `error_axis`, outputs are compared per index of it: boxes, then scores."""

    name: str
    title: str
    inputs: tuple[Input, ...]
    source: str  # the command that makes build/models/NAME.onnx
    error_axis: int | None = None


FETCH = "python3 tools/models/fetch.py --only "
EXPORT = "python3 tools/models/export.py --only "


def image(side: int) -> tuple[Input, ...]:
    return (Input("image", (1, 3, side, side)),)


MODELS = (
    Model("resnet50", "ResNet-50 1x3x224x224", image(224), EXPORT + "resnet50"),
    Model(
        "mobilenet_v3_small",
        "MobileNetV3-small 1x3x224x224",
        image(224),
        EXPORT + "mobilenet_v3_small",
    ),
    Model("efficientnet_b0", "EfficientNet-B0 1x3x224x224", image(224), EXPORT + "efficientnet_b0"),
    Model("vit_b_16", "ViT-B/16 1x3x224x224", image(224), EXPORT + "vit_b_16"),
    Model(
        "bert_base",
        "BERT-base 1x128",
        (
            Input("input_ids", (1, 128), "tokens", "int64"),
            Input("attention_mask", (1, 128), "ones", "int64"),
            Input("token_type_ids", (1, 128), "zeros", "int64"),
        ),
        EXPORT + "bert_base",
    ),
    Model(
        "deeplabv3_resnet50",
        "DeepLabV3-ResNet50 1x3x512x512",
        image(512),
        EXPORT + "deeplabv3_resnet50",
    ),
    Model(
        "nudenet_320n",
        "YOLOv8n 1x3x320x320",
        (Input("images", (1, 3, 320, 320), "unit_image"),),
        FETCH + "nudenet",
        error_axis=1,
    ),
    Model(
        "ppocr_det",
        "PP-OCRv4 detection 1x3x640x640",
        (Input("x", (1, 3, 640, 640)),),
        FETCH + "rapidocr",
    ),
    Model(
        "ppocr_rec",
        "PP-OCRv4 recognition 1x3x48x320",
        (Input("x", (1, 3, 48, 320)),),
        FETCH + "rapidocr",
    ),
    Model(
        "magika", "magika 1x2048", (Input("bytes", (1, 2048), "bytes", "int32"),), FETCH + "magika"
    ),
)


def picture(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Noise with large and small features, as a photograph has, and about unit variance."""
    import numpy as np

    coarse = random.standard_normal((*shape[:-2], -(-shape[-2] // 16), -(-shape[-1] // 16)))
    spread = np.kron(coarse, np.ones((16, 16)))[..., : shape[-2], : shape[-1]]
    return 0.9 * spread + 0.4 * random.standard_normal(shape)


def fill(item: Input, random: np.random.Generator) -> np.ndarray:
    """The values an input is timed and compared with."""
    import numpy as np

    values = {
        "image": lambda: picture(item.shape, random),
        "unit_image": lambda: np.clip(picture(item.shape, random) / 4 + 0.5, 0, 1),
        "tokens": lambda: random.integers(1000, 30000, item.shape),
        "bytes": lambda: random.integers(32, 127, item.shape),  # printable text
        "ones": lambda: np.ones(item.shape),
        "zeros": lambda: np.zeros(item.shape),
    }
    return np.ascontiguousarray(values[item.fill]().astype(item.dtype))


def inputs_of(model: Model) -> dict[str, np.ndarray]:
    """The inputs of a model by name: the same values in every run."""
    import numpy as np

    random = np.random.default_rng(SEED)
    return {item.name: fill(item, random) for item in model.inputs}
