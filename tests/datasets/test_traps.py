"""What is odd about each published form, written down by hand, with what must come of it."""

import csv
import json
import pickle

import numpy as np
import pytest
from PIL import Image as PILImage

from mmgraph import DataError, Text
from mmgraph.datasets import (
    load_av_mnist,
    load_crisis_mmd,
    load_fine_grained_hateful_memes,
    load_folder,
    load_food101,
    load_hateful_memes,
    load_hugging_face,
    load_iemocap,
    load_meld,
    load_mm_imdb,
    load_mosi,
    load_mvsa,
    load_n24news,
    mm_imdb,
)


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def write_lines(path, *rows):
    write(path, "".join(json.dumps(row) + "\n" for row in rows))


def pictures(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        PILImage.new("RGB", (4, 4)).save(folder / name)


def test_hateful_memes_without_labels_and_with_padded_names(tmp_path):
    row = {"id": 8291, "img": "img/08291.png", "text": "its their character not their color"}
    pictures(tmp_path, "img/08291.png")
    write_lines(tmp_path / "train.jsonl", row | {"label": 1})
    write_lines(tmp_path / "dev.jsonl", row | {"label": 0}, row | {"label": 1})
    write_lines(tmp_path / "test.jsonl", row)
    frame = load_hateful_memes(tmp_path).frame
    assert frame["split"].tolist() == ["train", "val", "val", "test"]
    assert frame["label"].tolist() == [1, 0, 1, None]
    assert frame["id"][0] == "8291"
    assert frame["image"][0] == str(tmp_path / "img" / "08291.png")


def test_the_second_phase_keeps_the_names_of_its_files(tmp_path):
    names = ["train", "dev_seen", "test_seen", "dev_unseen", "test_unseen"]
    pictures(tmp_path, "img/1.png")
    for number, name in enumerate(names):
        row = {"id": number, "img": "img/1.png", "text": "a"}
        write_lines(tmp_path / f"{name}.jsonl", row if "test" in name else row | {"label": 0})
    # Those of the first phase may lie beside them.
    write(tmp_path / "dev.jsonl", "not read")
    data = load_hateful_memes(tmp_path)
    assert data.frame["split"].tolist() == names
    assert data.frame["label"].isna().tolist() == ["test" in name for name in names]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("hate", ["not_hateful", "hateful"]),
        ("pc", [["pc_empty"], ["nationality", "religion"]]),
        ("attack", [["attack_empty"], ["dehumanizing"]]),
    ],
)
def test_fine_grained_memes_are_json_lines_called_json(tmp_path, target, expected):
    pictures(tmp_path, "img/01.png")
    row = {"id": 1, "img": "img/01.png", "text": "a", "set_name": "train"}
    # The annotators' own words are sometimes the text "None"; what counts are gold lists.
    neither = {"gold_hate": ["not_hateful"], "gold_pc": ["pc_empty"], "pc": "None"}
    hateful = {"gold_hate": ["hateful"], "gold_pc": ["nationality", "religion"], "pc": [["race"]]}
    for name in ("train", "dev_seen", "dev_unseen"):
        write_lines(
            tmp_path / "data" / "annotations" / f"{name}.json",
            row | neither | {"gold_attack": ["attack_empty"], "attack": "None"},
            row | hateful | {"gold_attack": ["dehumanizing"], "attack": [["mocking"]]},
        )
    data = load_fine_grained_hateful_memes(tmp_path, target=target)
    assert data.part("train")[data.label].tolist() == expected
    assert data.task == ("multiclass" if target == "hate" else "multilabel")


def films(folder, split, **contents):
    write(folder / "split.json", json.dumps(split))
    for film, (plot, genres) in contents.items():
        name = film.removeprefix("film")
        write(folder / "dataset" / f"{name}.json", json.dumps({"plot": plot, "genres": genres}))
        pictures(folder / "dataset", f"{name}.jpeg")


def test_mm_imdb_takes_the_longest_plot_and_no_news(tmp_path):
    films(
        tmp_path,
        {"train": ["0000005", "0000008"], "dev": ["0000012"], "test": ["0000133", "0000147"]},
        film0000005=(["Short.", "A longer plot.", "Middling."], ["Drama", "War"]),
        film0000008=(["Today."], ["News"]),
        film0000012=(["A plot."], ["War"]),
        film0000133=(["A plot."], ["Musical"]),  # which no training film is
        film0000147=([], ["War"]),
    )
    frame = load_mm_imdb(tmp_path).frame
    assert frame["id"].tolist() == ["0000005", "0000012"]
    assert frame["text"].tolist() == ["A longer plot.", "A plot."]
    assert frame["label"].tolist() == [["Drama", "War"], ["War"]]


def test_mm_imdb_names_pictures_image_or_img(tmp_path):
    pictures(tmp_path, "a.jpeg", "b.jpeg")
    row = {"id": "0000005", "text": "A plot.", "label": ["Drama"]}
    write_lines(tmp_path / "train.jsonl", row | {"image": "a.jpeg"}, row | {"img": "b.jpeg"})
    write_lines(tmp_path / "dev.jsonl", row | {"img": "a.jpeg"})
    write_lines(tmp_path / "test.jsonl", row | {"image": "b.jpeg"})
    frame = load_mm_imdb(tmp_path).frame
    assert [path[-6:] for path in frame["image"]] == ["a.jpeg", "b.jpeg", "a.jpeg", "b.jpeg"]


@pytest.fixture
def hdf5(tmp_path):
    """Return the path of a file of three films, without a split.json beside it."""
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "multimodal_imdb.hdf5"
    with h5py.File(path, "w") as file:
        file["imdb_ids"] = np.array([b"0000005", b"0000012", b"0000133"], "S7")
        file["features"] = np.arange(6, dtype=np.float32).reshape(3, 2)
        file["vgg_features"] = np.ones((3, 4), np.float32)
        file["genres"] = np.array([[1, 0], [1, 1], [0, 1]], np.int32)
        file["genres"].attrs["target_names"] = json.dumps(["Drama", "War"])
    return path


def test_mm_imdb_of_hdf5_has_ids_of_bytes_and_named_genres(hdf5):
    split = {"train": ["0000133"], "dev": ["0000005"], "test": ["0000012"]}
    write(hdf5.with_name("split.json"), json.dumps(split))
    frame = load_mm_imdb(hdf5).frame
    assert frame["id"].tolist() == ["0000005", "0000012", "0000133"]
    assert frame["label"].tolist() == [["Drama"], ["Drama", "War"], ["War"]]
    assert frame["split"].tolist() == ["val", "test", "train"]
    assert frame["text"][1].tolist() == [2.0, 3.0]


def test_films_without_a_part_are_told(hdf5, caplog):
    split = {"train": ["0000133"], "dev": ["0000005"], "test": []}
    write(hdf5.with_name("split.json"), json.dumps(split))
    assert load_mm_imdb(hdf5).frame["id"].tolist() == ["0000005", "0000133"]
    assert "films that split.json lacks are left out, 1 of them: 0000012" in caplog.text


def test_parts_of_hdf5_are_known_for_the_published_file_alone(hdf5, monkeypatch):
    with pytest.raises(DataError, match=r"has 3 rows, .* put split\.json beside it"):
        load_mm_imdb(hdf5)
    monkeypatch.setattr(mm_imdb, "_PUBLISHED_ROWS", (1, 2, 3))
    assert load_mm_imdb(hdf5).frame["split"].tolist() == ["train", "val", "test"]


def write_digits(folder, kind, train, test):
    for part, rows in (("train", train), ("test", test)):
        picture, sound = np.zeros((rows, 784), kind), np.zeros((rows, 112, 112), kind)
        picture[:, 0], picture[:, 783], sound[:, 0, 1] = 255, 128, 200
        for place, array in (("image", picture), ("audio", sound)):
            (folder / place).mkdir(exist_ok=True)
            np.save(folder / place / f"{part}_data.npy", array)
        np.save(folder / f"{part}_labels.npy", np.arange(rows, dtype=kind) % 10)


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32, np.float64])
def test_av_mnist_of_any_numbers_has_the_same_pixels(tmp_path, kind):
    write_digits(tmp_path, kind, train=24, test=2)
    data = load_av_mnist(tmp_path)
    image, sound = data.frame["image"][0], data.frame["audio"][0]
    assert (image.dtype, image.shape, sound.shape) == (np.uint8, (28, 28), (112, 112))
    assert (image[0, 0], image[27, 27], image.sum()) == (255, 128, 383)
    assert (sound[0, 1], sound.sum()) == (200, 200)
    # Whatever the number of rows, the last twelfth of training rows is for validation.
    assert data.frame["split"].tolist() == ["train"] * 22 + ["val"] * 2 + ["test"] * 2
    assert data.frame["label"].tolist() == [*range(10), *range(10), 0, 1, 2, 3, 0, 1]


def test_food101_titles_have_no_header(tmp_path):
    for part in ("train", "test"):
        pictures(tmp_path / "images" / part / "sushi", "sushi_7.jpg", "sushi_8.jpg")
        (tmp_path / "texts").mkdir(exist_ok=True)
        with (tmp_path / "texts" / f"{part}_titles.csv").open("w", newline="") as file:
            lines = [["sushi_7.jpg", 'Sushi, "at home"', "sushi"], ["sushi_8.jpg", "", "sushi"]]
            csv.writer(file).writerows(lines)
    frame = load_food101(tmp_path).frame
    assert frame["id"].tolist() == ["sushi_7", "sushi_8"] * 2
    assert frame["text"].tolist() == ['Sushi, "at home"', ""] * 2
    assert frame["label"].tolist() == ["sushi"] * 4


def test_food101_texts_may_lack_or_be_of_an_old_code_page(tmp_path):
    for part in ("train", "test"):
        pictures(tmp_path / "images" / part / "pho", f"{part}_1.jpg")
    write(tmp_path / "texts_txt" / "pho" / "train_1.txt", b"ph\xf4 caf\xe9")
    text = load_food101(tmp_path).frame["text"]
    assert (text[0], text.isna().tolist()) == ("phô café", [False, True])
    pictures(tmp_path / "images" / "test" / "ramen", "1.jpg")
    with pytest.raises(DataError, match=r"1 of 2 files are missing: .*texts_txt/ramen"):
        load_food101(tmp_path)


def test_crisis_mmd_takes_the_label_of_the_text_and_mends_it(tmp_path):
    head = "event_name tweet_id image_id tweet_text image label label_text label_image "
    row = [
        *("california_wildfires", "917791044158185473", "917791044158185473_0"),
        '"RT @Gizmodo: Donâ€™t &amp; café 100%',  # one quote, which is an ordinary character
        "data_image/917791044158185473_0.jpg",
        *("vehicle_damage", "infrastructure_and_utility_damage", "not_humanitarian", "Negative"),
    ]
    pictures(tmp_path, row[4])
    for name in ("train", "dev", "test"):
        lines = "\n".join(["\t".join([*head.split(), "label_text_image"]), "\t".join(row), ""])
        write(tmp_path / f"task_humanitarian_text_img_agreed_lab_{name}.tsv", lines)
    first = load_crisis_mmd(tmp_path).frame.iloc[0]
    assert first["text"] == '"RT @Gizmodo: Don’t & café 100%'  # noqa: RUF001
    assert first["label"] == "infrastructure_and_utility_damage"
    assert first["label_image"] == "not_humanitarian"
    # As a float, the id would lose its last digits.
    assert (first["id"], first["tweet_id"]) == ("917791044158185473_0", "917791044158185473")


def mvsa(folder, *labels):
    annotators = labels[0].count("\t") + 1
    rows = [f"{number}\t{label}" for number, label in enumerate(labels, 1)]
    write(
        folder / "labelResultAll.txt",
        "\n".join(["ID" + "\ttext,image" * annotators, *rows, ""]),
    )
    for number in range(1, len(labels) + 1):
        pictures(folder / "data", f"{number}.jpg")
        write(folder / "data" / f"{number}.txt", b"caf\xe9 \x97 time\n")
    return load_mvsa(folder)


def test_mvsa_labels_that_agree_or_are_neutral_decide(tmp_path):
    labels = {
        "positive,positive": "positive",
        "neutral,neutral": "neutral",
        "negative,negative": "negative",
        "neutral,positive": "positive",
        "negative,neutral": "negative",
        "positive,negative": None,
        "negative,positive": None,
    }
    data = mvsa(tmp_path, *labels)
    assert data.name == "MVSA-Single"
    kept = {str(number): label for number, label in enumerate(labels.values(), 1) if label}
    assert dict(zip(data.frame["id"], data.frame["label"], strict=True)) == kept
    assert data.frame["text"].unique().tolist() == ["café — time"]


def test_mvsa_of_three_annotators_takes_their_majority_first(tmp_path):
    labels = {
        # Text: positive by two; image: neutral by two.
        "positive,neutral\tpositive,neutral\tnegative,positive": "positive",
        "neutral,negative\tpositive,negative\tneutral,negative": "negative",
        # Text: no two agree.
        "positive,neutral\tneutral,neutral\tnegative,neutral": None,
        # Majorities that contradict each other, though one annotator was sure.
        "positive,negative\tpositive,negative\tpositive,positive": None,
    }
    data = mvsa(tmp_path, *labels)
    assert data.name == "MVSA-Multiple"
    assert data.frame["id"].tolist() == ["1", "2"]
    assert data.frame["label"].tolist() == ["positive", "negative"]


def test_n24news_calls_articles_body_as_well(tmp_path):
    pictures(tmp_path / "imgs", "a1.jpg")
    for name, key, size in (("train", "article", 3), ("dev", "body", 1), ("test", "article", 2)):
        row = {"section": "Books", "headline": "H", "caption": "C", "abstract": "A"}
        rows = [row | {"image_id": "a1", key: "Long."}] * size
        write(tmp_path / "news" / f"nytimes_{name}.json", json.dumps(rows))
    data = load_n24news(tmp_path)
    assert data.frame["article"].tolist() == ["Long."] * 6
    assert [len(data.part(name)) for name in data.parts] == [3, 1, 2]


def test_mosi_with_ids_of_bytes_infinite_audio_and_without_text(tmp_path):
    part = {
        # MultiBench: video and number; a clip without text is all zero.
        "id": [b"03bSnISJMiM[1]", b"03bSnISJMiM[2]"],
        "text": np.array([[[0.0], [1.0]], [[0.0], [0.0]]], np.float32),
        "audio": np.array([[[0.0, 0.0], [-np.inf, 2.0]], [[1.0, 1.0], [np.nan, 1.0]]], np.float32),
        "vision": np.ones((2, 2, 1), np.float32),
        "labels": np.array([[-3.0], [0.5]], np.float32),
    }
    path = tmp_path / "mosi_raw.pkl"
    write(path, pickle.dumps({"train": part, "valid": part, "test": part}))
    frame = load_mosi(path).part("train")
    assert frame["id"].tolist() == ["03bSnISJMiM[1]", "03bSnISJMiM[2]"]
    assert frame["video"].tolist() == ["03bSnISJMiM"] * 2
    assert frame["text"][0].tolist() == [[1.0]]
    assert frame["text"][1] is None
    assert [values.tolist() for values in frame["audio"]] == [
        [[0.0, 2.0]],
        [[1.0, 1.0], [0.0, 1.0]],
    ]
    assert frame["label"].tolist() == [-3.0, 0.5]


def dialogue(label, speaker, size):
    """Return the seven dicts of a pickle that knows one dialogue, "d", of one utterance."""
    features = [{"d": [np.full(size + place, 0.5)]} for place in range(3)]
    return {"d": ["d_u0"]}, {"d": [speaker]}, {"d": [label]}, *features, {"d": ["No!"]}


@pytest.mark.parametrize("label", range(6))
def test_iemocap_numbers_emotions_and_says_the_sizes(tmp_path, label):
    path = tmp_path / "IEMOCAP_features.pkl"
    write(path, pickle.dumps((*dialogue(label, "F", 4), ["d"], ["d"])))
    data = load_iemocap(path)
    row = data.frame.iloc[0]
    emotions = ("happy", "sad", "neutral", "angry", "excited", "frustrated")
    assert (row["label"], row["speaker"], row["dialogue"]) == (emotions[label], "F", "d")
    assert [row[name].shape for name in ("text", "audio", "vision")] == [(4,), (5,), (6,)]
    assert data.parts == ["train", "test"]  # there is no validation part


def test_meld_has_ten_parts_and_speakers_as_vectors(tmp_path):
    path = tmp_path / "MELD_features_raw1.pkl"
    write(path, pickle.dumps((*dialogue(6, [0, 0, 1, 0], 2), ["d"], ["d"], {})))
    row = load_meld(path).frame.iloc[0]
    assert (row["label"], row["speaker"], row["sentence"]) == ("anger", "2", "No!")
    with pytest.raises(DataError, match="expected a tuple of 9 parts, got tuple of 10"):
        load_iemocap(path)


def test_folders_of_images_with_a_text_beside_some(tmp_path):
    pictures(tmp_path / "cat", "1.png", "2.JPG")
    pictures(tmp_path / "dog", "1.png")
    write(tmp_path / "cat" / "1.txt", b"caf\xe9 cat\n")
    write(tmp_path / "dog" / "1.txt", "  \n")  # says nothing
    write(tmp_path / "dog" / "alone.txt", "of no image")
    data = load_folder(tmp_path)
    assert data.frame["text"].tolist() == ["café cat", None, None]
    assert data.frame["label"].tolist() == ["cat", "cat", "dog"]
    assert [each.node_type for each in data.modalities] == ["image", "text"]
    (tmp_path / "cat" / "1.txt").unlink()
    assert list(load_folder(tmp_path).frame) == ["image", "label", "split"]
    with pytest.raises(DataError, match=r"folder of images: 1 of 1 files are missing: .*nowhere"):
        load_folder(tmp_path / "nowhere")
    with pytest.raises(DataError, match="expected folders of classes with images"):
        load_folder(tmp_path / "dog")


def test_hugging_face_numbers_classes_and_hides_labels_behind_minus_one(hub):
    table, feature = hub
    parts = {
        name: table({"text": ["red", "sky"], "label": labels}, {"label": feature(["warm", "cold"])})
        for name, labels in (("train", [0, 1]), ("validation", [1, None]), ("test", [-1, -1]))
    }
    data = load_hugging_face(parts, "label", [Text("text")])
    assert data.parts == ["train", "val", "test"]
    assert data.frame["label"].tolist() == ["warm", "cold", "cold", None, None, None]
    assert (data.licence, data.task) == ("see its card", "multiclass")


def test_hugging_face_lists_of_classes_and_fractions(hub):
    table, feature = hub
    columns = {"text": ["a", "b", "c"], "label": [[0, 1], [], [1]], "score": [0.5, 1.0, 2.0]}
    features = {"label": feature(feature=feature(["x", "y"]))}
    data = table(columns, features, split="train", license="mit", citation="Me. 2020.")
    labels = load_hugging_face(data, "label", [Text("text")])
    assert (labels.task, labels.parts, labels.licence) == ("multilabel", ["train"], "mit")
    assert labels.frame["label"].tolist() == [["x", "y"], [], ["y"]]
    assert load_hugging_face(data, "score", [Text("text")]).task == "regression"
    with pytest.raises(DataError, match=r"train: there is no column 'nope'; there are \['text'"):
        load_hugging_face(data, "nope")
    with pytest.raises(DataError, match=r"expected a datasets\.Dataset or DatasetDict, got list"):
        load_hugging_face([1], "label")
