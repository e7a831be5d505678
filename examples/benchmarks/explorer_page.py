"""How large the explorer's page of many rows is, and how long Chromium takes to open it.

    python examples/benchmarks/explorer_page.py --model results/quickstart/model

Explains random test rows of openclipart. Without --model a model of the default modalities is
fitted briefly: neither the page's size nor its speed depends on how much a model has learnt. Needs
selenium, and chromium and chromedriver on the PATH.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
from pathlib import Path
from typing import TYPE_CHECKING

from mmgraph import Image, MultimodalGraphClassifier, Text, load
from mmgraph.datasets import load_openclipart
from mmgraph.explain import EXPLAINERS, to_html

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

#: Milliseconds from the start of navigation until the page and its script are ready.
LOADED = "return performance.getEntriesByType('navigation')[0].loadEventEnd"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, help="a saved model")
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--methods", nargs="+", choices=list(EXPLAINERS), default=["occlusion"])
    parser.add_argument("--times", type=int, default=7, help="how often the page is opened")
    parser.add_argument("--picture", type=Path, help="where to write a picture of one row")
    parser.add_argument("--sample", type=int, default=1, help="the row of the picture, from 1")
    parser.add_argument("--word", type=int, default=1, help="the word it points at, from 1")
    parser.add_argument("--output", type=Path, default=Path("results/explorer.html"))
    return parser.parse_args()


def fit() -> MultimodalGraphClassifier:
    train = load_openclipart().part("train").groupby("label").head(10)
    return MultimodalGraphClassifier([Image("image"), Text("text")], epochs=1).fit(train, "label")


def open_browser() -> Chrome:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for each in ("headless=new", "no-sandbox", "disable-gpu", "window-size=1200,830"):
        options.add_argument(f"--{each}")
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    return webdriver.Chrome(options=options, service=service)


def take_picture(browser: Chrome, sample: int, word: int, path: Path) -> None:
    """Point at a word, and save what the window shows of the regions it attends to."""
    from selenium.webdriver import ActionChains
    from selenium.webdriver.support.ui import Select

    relation = browser.find_element("id", "relation")
    Select(relation).select_by_visible_text("image → text (to)")
    for _ in range(sample - 1):
        browser.find_element("id", "next").click()
    element = browser.find_elements("css selector", ".words .node")[word - 1]
    ActionChains(browser).move_to_element(element).perform()
    browser.save_screenshot(str(path))


def main() -> None:
    arguments = parse_arguments()
    clf = load(arguments.model) if arguments.model else fit()
    rows = load_openclipart().part("test").sample(arguments.samples, random_state=0)
    found = [clf.explain(rows, method=method) for method in arguments.methods]
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    to_html([each for row in zip(*found, strict=True) for each in row], arguments.output)
    size = arguments.output.stat().st_size / 1e6
    print(f"{len(rows)} rows, {len(found)} method(s): {size:.2f} MB in {arguments.output}")
    browser = open_browser()
    try:
        seconds = []
        for _ in range(arguments.times):
            browser.get(arguments.output.resolve().as_uri())
            seconds.append(browser.execute_script(LOADED) / 1000)
        print(
            f"Chromium {browser.capabilities['browserVersion']} opened it in"
            f" {statistics.median(seconds):.2f} s, the slowest of {len(seconds)} times in"
            f" {max(seconds):.2f} s"
        )
        if arguments.picture:
            take_picture(browser, arguments.sample, arguments.word, arguments.picture)
            print(f"wrote {arguments.picture}")
    finally:
        browser.quit()


if __name__ == "__main__":
    main()
