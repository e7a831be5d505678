"""Where a training can run."""

from __future__ import annotations

from lightning.pytorch.accelerators import AcceleratorRegistry

from mmgraph.errors import unknown_name

#: What Lightning turns into one of its accelerators, by itself.
_CHOSEN = {"auto": ("cpu",), "gpu": ("cuda", "mps")}


def check_device(device: str) -> None:
    """Refuse a device that there is not, here or at all.

    Args:
        device: As Lightning names accelerators.

    Raises:
        ValueError: The message has the choices.

    Example:
        >>> check_device("auto")
        >>> check_device("cuda:0")
        Traceback (most recent call last):
        ValueError: there is no device 'cuda:0'; did you mean 'cuda'? There are: auto, cpu, cuda, \
gpu, mps, tpu
    """
    kinds = sorted(AcceleratorRegistry)
    if device not in kinds and device not in _CHOSEN:
        raise ValueError(unknown_name("device", device, sorted({*kinds, *_CHOSEN})))
    found = [name for name in kinds if AcceleratorRegistry[name]["accelerator"].is_available()]
    if not set(_CHOSEN.get(device, (device,))) & set(found):
        raise ValueError(
            f'device={device!r}: there is none here that torch can use; pass device="auto", or '
            f"one of {', '.join(found)}"
        )
