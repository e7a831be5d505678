"""Compare mmgraph's defaults with scikit-learn on two more sets of pictures and short texts.

    apt-get download tuxpaint-stamps-default fonts-noto-color-emoji unicode-data  # Debian's
    for package in *.deb; do dpkg -x $package files; done
    python examples/benchmarks/stamps_and_emoji.py stamps files/usr/share/tuxpaint/stamps
    python examples/benchmarks/stamps_and_emoji.py emoji files/usr/share

Tux Paint's stamps are drawings and photographs with a sentence on each; the folder they lie in is
the class. Emoji have a name and a group; flags, most of which are named after countries, are left
out, and so are skin tones and what is joined of several emoji. Groups (stamps of a folder whose
names begin alike; emoji of a subgroup that differ by who is shown) are kept together in the folds.
Neither set ships with mmgraph.
"""

from __future__ import annotations

import argparse
import logging
import re
import tempfile
from pathlib import Path

import pandas as pd
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFont

from mmgraph import Image, MultimodalGraphClassifier, Text
from mmgraph.comparison import DEFAULT, compare

#: Classes of fewer stamps are left out.
FEWEST = 15
EMOJI = re.compile(r"([0-9A-F ]+); fully-qualified +# \S+ E[\d.]+ (.*)")
JOINER = "200D"
WHO = re.compile(r"^(man|woman|person|men|women|people) |:.*")


def load_stamps(folder: Path, language: str) -> pd.DataFrame:
    """Return image, text, label and group of each stamp that is a PNG file."""
    rows = []
    for image in sorted(folder.rglob("*.png")):
        if image.stem.endswith(("_mirror", "_flip")):
            continue
        described = image.with_suffix(".txt")
        lines = described.read_text("utf-8", "replace").split("\n") if described.is_file() else [""]
        named = dict(line.split(".utf8=", 1) for line in lines if ".utf8=" in line)
        text = lines[0].strip() if language == "en" else named.get(language, "").strip()
        place = image.relative_to(folder)
        kin = re.sub(r"[\d_-].*", "", image.stem)
        rows.append([str(image), text or None, place.parts[0], f"{place.parent}/{kin}"])
    frame = pd.DataFrame(rows, columns=["image", "text", "label", "group"])
    count = frame["label"].map(frame["label"].value_counts())
    return frame[count >= FEWEST].reset_index(drop=True)


def load_emoji(folder: Path, pictures: Path) -> pd.DataFrame:
    """Draw each emoji, and return image, text, label and group."""
    [font_file] = folder.rglob("NotoColorEmoji.ttf")
    font = ImageFont.truetype(str(font_file), 109)  # the only size that it has
    rows, group, subgroup = [], "", ""
    [listing] = folder.rglob("emoji-test.txt")
    for line in listing.read_text("utf-8").split("\n"):
        if line.startswith("# group:"):
            group = line.split(":")[1].strip()
        elif line.startswith("# subgroup:"):
            subgroup = line.split(":")[1].strip()
        found = EMOJI.match(line)
        if not found or "skin tone" in line or JOINER in found[1] or group == "Flags":
            continue
        drawn = PILImage.new("RGB", (136, 128), "white")
        letters = "".join(chr(int(code, 16)) for code in found[1].split())
        ImageDraw.Draw(drawn).text((0, 0), letters, font=font, embedded_color=True)
        path = pictures / f"{len(rows)}.png"
        drawn.save(path)
        rows.append([str(path), found[2], group, f"{subgroup}/{WHO.sub('', found[2])}"])
    return pd.DataFrame(rows, columns=["image", "text", "label", "group"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("set", choices=["stamps", "emoji"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--language", default="en", help="of the stamps' texts, such as de")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--output", type=Path, help="folder that keeps the runs")
    args = parser.parse_args()
    logging.basicConfig(format="%(message)s")
    logging.getLogger("mmgraph").setLevel(logging.INFO)
    with tempfile.TemporaryDirectory() as pictures:
        frame = (
            load_stamps(args.folder, args.language)
            if args.set == "stamps"
            else load_emoji(args.folder, Path(pictures))
        )
        print(frame["label"].value_counts().to_string())
        comparison = compare(
            frame,
            "label",
            methods=[DEFAULT],
            # the estimator's defaults, where `compare` by itself has no linear model
            template=MultimodalGraphClassifier([Image("image"), Text("text")], verbose=False),
            groups="group",
            seeds=args.seeds,
            reference=DEFAULT,
            output=args.output,
        )
    print(comparison.to_markdown())


if __name__ == "__main__":
    main()
