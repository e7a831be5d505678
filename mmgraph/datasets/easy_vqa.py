"""easy-VQA: questions about one coloured shape, of which many cannot be answered by halves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmgraph.datasets.base import MultimodalDataset
from mmgraph.errors import MissingPackageError
from mmgraph.modalities.image import Image
from mmgraph.modalities.text import Text

if TYPE_CHECKING:
    import pandas as pd

#: Every so many images of the training part are for validation.
_VALIDATE_EVERY = 10


def load_easy_vqa() -> MultimodalDataset:
    """Return 48,248 questions about 5,000 drawings of a shape, with one of 13 answers each.

    Zhou, 2019 (https://github.com/vzhou842/easy-VQA). The package `easy-vqa` brings the images.
    A "what" question names the shape or its colour and asks for the other, so that image and
    text each tell a part of the answer; a "yes/no" question is answered by whether they agree.
    The test part is the authors'. Every tenth image of their training part, with all of its
    questions, is the validation part; images were drawn independently.

    Returns:
        Columns image (path), question, answer (the label), image_id (the group: "train/17" and
        "test/17" are different images), kind ("what" or "yes/no") and split ("train", "val",
        "test").

    Raises:
        MissingPackageError: The package is not installed.
    """
    import pandas as pd

    try:
        import easy_vqa
    except ImportError as error:
        raise MissingPackageError(
            'easy-VQA comes as a package: pip install "mmgraph[datasets]"'
        ) from error
    train = _questions("train", easy_vqa.get_train_questions(), easy_vqa.get_train_image_paths())
    test = _questions("test", easy_vqa.get_test_questions(), easy_vqa.get_test_image_paths())
    return MultimodalDataset(
        name="easy-VQA",
        frame=pd.concat([train, test], ignore_index=True),
        # The questions' few words need no pretrained features.
        modalities=[Image("image"), Text("question", features=None)],
        label="answer",
        task="multiclass",
        metrics=("accuracy",),
        groups="image_id",
        licence="MIT",
        citation="Victor Zhou. easy-VQA: the easy visual question answering dataset. 2019.",
        homepage="https://github.com/vzhou842/easy-VQA",
    )


def _questions(part: str, read: tuple[list[Any], ...], path_of: dict[int, str]) -> pd.DataFrame:
    import pandas as pd

    questions, answers, images = read
    validate = [part == "train" and image % _VALIDATE_EVERY == 0 for image in images]
    return pd.DataFrame(
        {
            "image": [path_of[image] for image in images],
            "question": questions,
            "answer": answers,
            "image_id": [f"{part}/{image}" for image in images],
            "kind": ["yes/no" if answer in ("yes", "no") else "what" for answer in answers],
            "split": ["val" if chosen else part for chosen in validate],
        }
    )
