"""Tiny copies of public data sets, in exactly the published forms, and ways to spoil them."""

import csv
import io
import json
import pickle
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PILImage

from mmgraph.datasets import (
    load_av_digits,
    load_av_mnist,
    load_crisis_mmd,
    load_easy_vqa,
    load_fine_grained_hateful_memes,
    load_folder,
    load_food101,
    load_hateful_memes,
    load_hugging_face,
    load_iemocap,
    load_magb,
    load_meld,
    load_mm_graph,
    load_mm_imdb,
    load_mosei,
    load_mosi,
    load_mvsa,
    load_n24news,
    load_openclipart,
)

random = np.random.default_rng(0)


@dataclass
class Case:
    """A reader with a tiny copy of what it reads.

    `reads` gives the form of each file by a pattern; of those, `unused` keys may be lacking or
    odd, and files in `optional` may be missing.
    """

    name: str
    reader: Callable
    build: Callable[[Path], None] = lambda folder: None
    load: Callable | None = None
    reads: dict[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    def __call__(self, folder):
        return (self.load or self.reader)(folder)

    def files(self, folder):
        """Return each file that is parsed, with its form."""
        return [
            (path, form) for pattern, form in self.reads.items() for path in folder.glob(pattern)
        ]


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = "PNG" if path.suffix == ".png" else "JPEG"
    PILImage.fromarray(random.integers(0, 255, (8, 8, 3), np.uint8)).save(path, kind)


def write(path, text, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))


def write_lines(path, rows):
    write(path, "".join(json.dumps(row) + "\n" for row in rows))


def write_pickle(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content))


def memes(folder, name, first, *, labels=True, count=4):
    rows = []
    for number in range(first, first + count):
        # The name of the file is padded with zeros, and the id is not.
        row = {"id": number, "img": f"img/{number:05}.png", "text": "so true"}
        rows.append(row | ({"label": number % 2} if labels else {}))
        picture(folder / row["img"])
    write_lines(folder / f"{name}.jsonl", rows)


def hateful_memes_1(folder):
    memes(folder, "train", 10)
    memes(folder, "dev", 20)
    memes(folder, "test", 30, labels=False)


def hateful_memes_2(folder):
    memes(folder, "train", 10)
    for place, name in enumerate(("dev_seen", "dev_unseen"), 2):
        memes(folder, name, 10 * place)
    for place, name in enumerate(("test_seen", "test_unseen"), 4):
        memes(folder, name, 10 * place, labels=False)


def fine_grained(folder):
    for place, name in enumerate(("train", "dev_seen", "dev_unseen"), 1):
        rows = []
        for number in range(10 * place, 10 * place + 4):
            hateful = number % 2
            rows.append(
                {
                    **{"id": number, "set_name": name, "img": f"img/{number:05}.png"},
                    "text": "it is time",
                    "gold_hate": ["hateful" if hateful else "not_hateful"],
                    "gold_pc": ["race", "sex"] if hateful else ["pc_empty"],
                    "gold_attack": ["mocking"] if hateful else ["attack_empty"],
                    # What the annotators said is sometimes a text.
                    "pc": [["race"], ["sex"]] if hateful else "None",
                    "attack": [["mocking"]] if hateful else "None",
                }
            )
            picture(folder / rows[-1]["img"])
        write_lines(folder / "data" / "annotations" / f"{name}.json", rows)


FILMS = {"train": ["0000005", "0000008"], "dev": ["0000012"], "test": ["0000133"]}


def mm_imdb_raw(folder):
    write(folder / "split.json", json.dumps(FILMS))
    for film in chain(*FILMS.values()):
        content = {"plot": ["Short.", "A longer plot."], "genres": ["Drama", "War"], "year": 1999}
        write(folder / "dataset" / f"{film}.json", json.dumps(content))
        picture(folder / "dataset" / f"{film}.jpeg")


def mm_imdb_jsonl(folder):
    for name, films in FILMS.items():
        # MMBT's script writes `image`, and its loader asks for `img`.
        key = "image" if name == "train" else "img"
        rows = [
            {"id": film, "text": "A plot.", key: f"mmimdb/{film}.jpeg", "label": ["Drama", "War"]}
            for film in films
        ]
        write_lines(folder / f"{name}.jsonl", rows)
        for row in rows:
            picture(folder / row[key])


def mm_imdb_hdf5(folder):
    h5py = pytest.importorskip("h5py")
    write(folder / "split.json", json.dumps(FILMS))
    films = list(chain(*FILMS.values()))
    with h5py.File(folder / "multimodal_imdb.hdf5", "w") as file:
        file["imdb_ids"] = np.array([film.encode() for film in films], "S7")
        file["features"] = random.random((4, 300), np.float32)
        file["vgg_features"] = random.random((4, 4096), np.float32)
        file["images"] = np.zeros((4, 3, 2, 2), np.int32)
        genres = np.zeros((4, 23), np.int32)
        genres[:, [0, 3]] = 1
        file["genres"] = genres
        file["genres"].attrs["target_names"] = json.dumps([f"genre {k}" for k in range(23)])


def av_mnist(folder):
    # Spectrograms are integers, which cannot be divided in place.
    for part, rows in (("train", 24), ("test", 4)):
        for place in ("image", "audio"):
            (folder / place).mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 255, (rows, 784)).astype(np.float64)
        sound = random.integers(0, 255, (rows, 112, 112), np.uint8)
        pixels[:, 0], sound[:, 0, 0] = 255, 255
        np.save(folder / "image" / f"{part}_data.npy", pixels)
        np.save(folder / "audio" / f"{part}_data.npy", sound)
        np.save(folder / f"{part}_labels.npy", np.arange(rows) % 10)


DISHES = {"apple_pie": "Apple pie, the best", "sushi": 'Sushi "at home"'}


def dishes(folder):
    for part in ("train", "test"):
        for dish, title in DISHES.items():
            for number in range(2):
                name = f"{dish}_{number}.jpg"
                picture(folder / "images" / part / dish / name)
                yield part, dish, name, title


def food101_jsonl(folder):
    rows = list(dishes(folder))
    for name, part in (("train", "train"), ("dev", "train"), ("test", "test")):
        write_lines(
            folder / f"{name}.jsonl",
            [
                {
                    **{"id": f"{dish}_{image}", "label": dish, "text": title},
                    "img": f"images/{part}/{dish}/{image}",
                }
                for where, dish, image, title in rows
                if where == part
            ],
        )


def food101_texts(folder):
    for part, dish, image, title in dishes(folder):
        # Some photographs have no text.
        if (part, image) != ("test", "sushi_1.jpg"):
            write(folder / "texts_txt" / dish / image.replace(".jpg", ".txt"), title)


def food101_titles(folder):
    # There is no header.
    tables = {"train": io.StringIO(), "test": io.StringIO()}
    for part, dish, image, title in dishes(folder):
        csv.writer(tables[part]).writerow([image, title, dish])
    for part, table in tables.items():
        write(folder / "texts" / f"{part}_titles.csv", table.getvalue())


def crisis_mmd(folder, middle="humanitarian_text_img_agreed_lab"):
    columns = (
        *("event_name", "tweet_id", "image_id", "tweet_text", "image"),
        *("label", "label_text", "label_image", "label_text_image"),
    )
    for place, name in enumerate(("train", "dev", "test"), 1):
        rows = [columns]
        for number in range(2):
            tweet = f"91450975707077017{place}"
            image = f"data_image/hurricane_maria/1_10_2017/{tweet}_{number}.jpg"
            text = '"Don\u00e2\u20ac\u2122t panic &amp; pray' if number else "Safe"
            # `label` is the text's or the image's, and finer than either.
            labels = ("missing_or_found_people", "affected_individuals", "not_humanitarian")
            labels = labels if number else ("not_humanitarian",) * 3
            rows.append(
                ("hurricane_maria", tweet, f"{tweet}_{number}", text, image, *labels, "Positive")
            )
            picture(folder / image)
        text = "".join("\t".join(row) + "\n" for row in rows)
        write(folder / "data" / "task_data" / f"task_{middle}_{name}.tsv", text)


def crisis_damage(folder):
    for place, name in enumerate(("train", "dev", "test"), 1):
        image = f"data_image/maria/1_10_2017/91{place}_0.jpg"
        row = f"hurricane_maria\t91{place}_0\t{image}\tmild_damage"
        # Beside the images, without the folders of the repository.
        write(
            folder / f"task_damage_{name}.tsv", f"Event_name\tImage_id\tImage\tLabel\r\n{row}\r\n"
        )
        picture(folder / image)


def mvsa(folder, *rows):
    columns = rows[0].count("\t")
    write(folder / "labelResultAll.txt", "\n".join(["ID" + "\ttext,image" * columns, *rows, ""]))
    for row in rows:
        name = row.partition("\t")[0]
        picture(folder / "data" / f"{name}.jpg")
        write(folder / "data" / f"{name}.txt", "caf\u00e9 time\n", "cp1252")


def mvsa_single(folder):
    sentiments = ("neutral,positive", "positive,positive", "negative,neutral")
    mvsa(folder, *(f"{number}\t{sentiments[number % 3]}" for number in range(1, 31)))


def mvsa_multiple(folder):
    labels = "positive,neutral\tpositive,neutral\tnegative,positive"
    mvsa(folder, *(f"{number}\t{labels}" for number in range(1, 31)))


def n24news(folder):
    for name in ("train", "dev", "test"):
        rows = [
            {
                **{"section": section, "headline": "A headline", "caption": "A caption"},
                **{"abstract": "An abstract", "image_id": f"{name}{number}"},
                # The later form calls it so.
                "body" if name == "test" else "article": "A long article",
            }
            for number, section in enumerate(("Books", "Sports"))
        ]
        write(folder / "news" / f"nytimes_{name}.json", json.dumps(rows))
        for row in rows:
            picture(folder / "imgs" / f"{row['image_id']}.jpg")


def magb(folder):
    folder = folder / "Toys"
    lines = [("id", "second_category", "text", "label", "neighbour")]
    for number in range(30):
        others = [(number + 1) % 30, (number + 7) % 30]
        lines.append((number, f"Kind {number % 2}", f"A toy, no. {number}", number % 2, others))
        picture(folder / "ToysImages" / f"{number}.jpg")
    with (folder / "Toys.csv").open("w", newline="") as file:
        csv.writer(file).writerows(lines)


def mm_graph(folder):
    folder = folder / "books-nc"
    folder.mkdir()
    names = [f"B{number:03}" for number in range(12)]
    torch.save({name: place for place, name in enumerate(names)}, folder / "node_mapping.pt")
    torch.save([[place, (place + 1) % 12] for place in range(12)], folder / "nc_edges-nodeid.pt")
    torch.save([-1, *[place % 2 for place in range(1, 12)]], folder / "labels-w-missing.pt")
    split = {"train_idx": range(8), "val_idx": range(8, 10), "test_idx": range(10, 12)}
    torch.save({key: list(places) for key, places in split.items()}, folder / "split.pt")
    texts = [{"id": name, "raw_text": [f"Book {name}", "a novel"]} for name in names]
    write_lines(folder / "books-nc-raw-text.jsonl", texts)
    for name in names[1:]:
        picture(folder / "images" / f"{name}.jpg")


def clips(count, sizes, *, mmsa=False, label=None):
    """Make clips of 1, 2, ... steps; padding stands in front, as in MulT, or behind, as in MMSA."""
    part = {}
    for name, size in zip(("text", "audio", "vision"), sizes, strict=True):
        part[name] = np.zeros((count, 6, size), np.float32)
        for clip in range(count):
            own = random.normal(1, 0.1, (clip + 1, size))
            part[name][clip, slice(clip + 1) if mmsa else slice(5 - clip, 6)] = own
    part["audio"][1, 2 if not mmsa else 0, 0] = -np.inf
    numbers = np.linspace(-3, 3, count, dtype=np.float32)
    if mmsa:
        part["regression_labels"] = numbers
        part["annotations"] = ["Positive"] * count
        part["raw_text"] = np.array(["so good"] * count)
        part["id"] = [f"video{clip // 2}$_${clip}" for clip in range(count)]
        for name in ("audio", "vision"):
            part[f"{name}_lengths"] = list(range(1, count + 1))
        return part
    part["labels"] = numbers[:, None, None] if label is None else label
    ids = [[f"video{clip // 2}".encode(), b"0.5", b"1.5"] for clip in range(count)]
    part["id"] = np.array(ids)
    return part


def mosi_mult(folder):
    content = {name: clips(4, (4, 3, 2)) for name in ("train", "valid", "test")}
    content["train"]["vision"][1] = 0
    write_pickle(folder / "data.pkl", content)


def mosi_mmsa(folder):
    content = {name: clips(4, (4, 3, 2), mmsa=True) for name in ("train", "valid", "test")}
    write_pickle(folder / "data.pkl", content)


def iemocap_mult(folder):
    label = np.eye(2)[[[0, 1, 0, 0], [1, 0, 0, 1], [0, 0, 0, 0], [0, 0, 1, 0]]]  # [clips, 4, 2]
    content = {name: clips(4, (4, 3, 2), label=label) for name in ("train", "valid", "test")}
    write_pickle(folder / "data.pkl", content)


def dialogues(names, speaker, *, sizes=(5, 4, 3)):
    by = {name: range(2 + place % 2) for place, name in enumerate(names)}
    features = [
        {name: [random.normal(size=size) for _ in rows] for name, rows in by.items()}
        for size in sizes
    ]
    return (
        {
            name: [f"{name}_{row}" if isinstance(name, str) else row for row in by[name]]
            for name in by
        },
        {name: [speaker(row) for row in rows] for name, rows in by.items()},
        {name: [row % 2 for row in rows] for name, rows in by.items()},
        *features,
        {name: ["Well.", "No!", "Oh."][: len(rows)] for name, rows in by.items()},
    )


def iemocap(folder):
    names = ["Ses01F_impro01", "Ses02M_script01", "Ses05F_impro02"]
    content = (*dialogues(names, lambda row: "MF"[row % 2]), set(names[:2]), names[2:])
    write_pickle(folder / "data.pkl", content)


def meld(folder):
    content = dialogues([3, 7, 1040], lambda row: [0] * row + [1] + [0] * (8 - row))
    write_pickle(folder / "data.pkl", (*content, [3, 7], [1040], {}))


def sound(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(random.integers(-3000, 3000, 800, np.int16).tobytes())


def av_digits(folder):
    rows = ["image,audio,label,speaker,split"]
    for number, split in enumerate(["train", "train", "val", "test"]):
        rows.append(f"i/{number}.png,a/{number}.wav,{number},speaker{number // 2},{split}")
        picture(folder / "i" / f"{number}.png")
        sound(folder / "a" / f"{number}.wav")
    write(folder / "manifest.csv", "\n".join(rows) + "\n")


def openclipart(folder):
    rows = ["image,text,label,split,group,title,creator,source"]
    for number, split in enumerate(["train", "train", "val", "test"]):
        rows.append(f'i/{number}.png,"a, b",x{number % 2},{split},g{number},NA,somebody,s.svg')
        picture(folder / "i" / f"{number}.png")
    write(folder / "manifest.csv", "\n".join(rows) + "\n")


def folders(folder):
    for split in ("train", "valid", "test"):
        for label in ("cat", "dog"):
            picture(folder / split / label / "1.png")
            write(folder / split / label / "1.txt", f"a caf\u00e9 {label}", "cp1252")


class Feature:
    """Stands for a feature of Hugging Face's: with names of classes, or a list of such."""

    def __init__(self, names=None, feature=None):
        self.names = names
        self.feature = feature


class Table:
    """Stands for a data set of Hugging Face's package, which takes long to install."""

    def __init__(self, columns, features=None, split=None, **card):
        self.columns = columns
        self.features = {name: Feature() for name in columns} | (features or {})
        self.split = split
        self.info = type("Info", (), card)()

    @property
    def column_names(self):
        return list(self.columns)

    def __len__(self):
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name):
        return self.columns[name]

    def to_pandas(self):
        raise AssertionError("images would stay bytes")


def hugging_face(_):
    parts = {
        name: Table(
            {"text": ["a red rose", "blue sky", "a rose", "sky"], "label": [0, 1, 0, last]},
            {"label": Feature(["warm", "cold"])},
            license="mit",
        )
        for name, last in (("train", 1), ("validation", 1), ("test", -1))
    }
    return load_hugging_face(parts, "label")


def pickled(reader):
    return lambda folder: reader(folder / "data.pkl")


_PICKLE = {"data.pkl": "pickle"}
_LINES = {"*.jsonl": "lines"}
CASES = [
    Case("easy_vqa", load_easy_vqa, load=lambda _: load_easy_vqa()),
    Case("hateful memes, phase 1", load_hateful_memes, hateful_memes_1, None, _LINES, ("label",)),
    Case("hateful memes, phase 2", load_hateful_memes, hateful_memes_2, None, _LINES, ("label",)),
    *(
        Case(
            f"fine-grained memes, {target}",
            load_fine_grained_hateful_memes,
            fine_grained,
            partial(load_fine_grained_hateful_memes, target=target),
            {"data/annotations/*.json": "lines"},
            ("set_name", "pc", "attack"),
        )
        for target in ("hate", "pc", "attack")
    ),
    Case(
        "mm_imdb, original",
        load_mm_imdb,
        mm_imdb_raw,
        None,
        {"split.json": "object", "dataset/*.json": "object"},
        ("year",),
    ),
    Case("mm_imdb, MMBT's", load_mm_imdb, mm_imdb_jsonl, None, _LINES),
    Case(
        "mm_imdb, HDF5",
        load_mm_imdb,
        mm_imdb_hdf5,
        lambda folder: load_mm_imdb(folder / "multimodal_imdb.hdf5"),
        {"*.hdf5": "hdf5", "split.json": "object"},
        ("images",),
    ),
    Case("av_mnist", load_av_mnist, av_mnist, None, {"**/*.npy": "npy"}),
    Case("food101, MMBT's", load_food101, food101_jsonl, None, _LINES),
    Case("food101, texts", load_food101, food101_texts, optional=("texts_txt/*/*", "images/**/*")),
    Case("food101, titles", load_food101, food101_titles, None, {"texts/*.csv": "headless"}),
    Case(
        "crisis_mmd, humanitarian",
        load_crisis_mmd,
        crisis_mmd,
        None,
        {"data/task_data/*.tsv": "tsv"},
        ("label", "tweet_id", "label_text_image"),
    ),
    Case(
        "crisis_mmd, all informative",
        load_crisis_mmd,
        partial(crisis_mmd, middle="informative_text_img"),
        partial(load_crisis_mmd, task="informative", agreed=False),
        {"data/task_data/*.tsv": "tsv"},
        ("label", "tweet_id", "label_text_image"),
    ),
    Case(
        "crisis_mmd, damage",
        load_crisis_mmd,
        crisis_damage,
        partial(load_crisis_mmd, task="damage"),
        {"*.tsv": "tsv"},
    ),
    Case("mvsa, single", load_mvsa, mvsa_single, None, {"*.txt": "tsv"}),
    Case("mvsa, multiple", load_mvsa, mvsa_multiple, None, {"*.txt": "tsv"}, ("text,image",)),
    Case("n24news", load_n24news, n24news, None, {"news/*.json": "array"}),
    Case(
        "magb",
        load_magb,
        magb,
        lambda folder: load_magb(folder / "Toys"),
        {"*/*.csv": "csv"},
        ("label",),
    ),
    Case(
        "mm_graph",
        load_mm_graph,
        mm_graph,
        lambda folder: load_mm_graph(folder / "books-nc"),
        {"*/*.jsonl": "lines"},
        optional=("books-nc/images/*",),
    ),
    Case("mosi, MulT's", load_mosi, mosi_mult, pickled(load_mosi), _PICKLE, ("id",)),
    Case(
        "mosei, MMSA's",
        load_mosei,
        mosi_mmsa,
        pickled(load_mosei),
        _PICKLE,
        ("id", "raw_text", "annotations", "audio_lengths", "vision_lengths"),
    ),
    Case("iemocap, MulT's", load_iemocap, iemocap_mult, pickled(load_iemocap), _PICKLE, ("id",)),
    Case("iemocap, MMGCN's", load_iemocap, iemocap, pickled(load_iemocap), _PICKLE, (3, 4, 5)),
    Case("meld", load_meld, meld, pickled(load_meld), _PICKLE, (3, 4, 5, 9)),
    Case("av_digits", load_av_digits, av_digits, None, {"*.csv": "csv"}),
    Case("openclipart", load_openclipart, openclipart, None, {"*.csv": "csv"}, ("not in labels",)),
    Case("folder", load_folder, folders, optional=("**/*",)),
    Case("hugging_face", load_hugging_face, load=hugging_face),
]


@pytest.fixture
def hub():
    """Return stand-ins of Hugging Face's package: a data set, and a feature with names."""
    return Table, Feature


def pytest_generate_tests(metafunc):
    """Run tests that take a `case` for every reader, and those of `parsed` for those of files."""
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", CASES, ids=lambda case: case.name)
    if "parsed" in metafunc.fixturenames:
        with_files = [case for case in CASES if case.reads]
        metafunc.parametrize("parsed", with_files, ids=lambda case: case.name)


@pytest.fixture(scope="session")
def cases():
    return CASES


@pytest.fixture
def copy_of(tmp_path):
    """Return a function that makes the tiny copy with a name, and returns it and its folder."""

    def make(name):
        (found,) = [case for case in CASES if case.name == name]
        found.build(tmp_path)
        return found, tmp_path

    return make
