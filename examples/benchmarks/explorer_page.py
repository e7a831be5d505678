"""How large the explorer's page of many rows is, and how long Chromium takes to open it.

    python examples/benchmarks/explorer_page.py --model results/quickstart/model

Explains rows of openclipart's test and validation parts. Without --model a graph of the default
modalities is fitted briefly: neither the page's size nor its speed depends on how much a model has
learnt. Needs selenium, and chromium and chromedriver on the PATH.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmgraph import Image, MultimodalGraphClassifier, Text, load
from mmgraph.datasets import load_openclipart
from mmgraph.explain import EXPLAINERS, Explanation, to_html

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

#: Milliseconds from the start of navigation until the page and its script are ready.
LOADED = "return performance.getEntriesByType('navigation')[0].loadEventEnd"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, help="a saved model")
    parser.add_argument("--samples", type=int, default=772)
    parser.add_argument("--methods", nargs="+", choices=list(EXPLAINERS), default=["gradient"])
    parser.add_argument("--times", type=int, default=7, help="how often the page is opened")
    parser.add_argument("--pictures", type=Path, help="folder for pictures of table and sample")
    parser.add_argument("--axe", type=Path, help="axe.min.js of axe-core, to check the page with")
    parser.add_argument("--output", type=Path, default=Path("results/explorer.html"))
    return parser.parse_args()


def fit() -> MultimodalGraphClassifier:
    train = load_openclipart().part("train").groupby("label").head(10)
    clf = MultimodalGraphClassifier([Image("image"), Text("text")], graph=True, epochs=1)
    return clf.fit(train, train["label"])


def open_browser() -> Chrome:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for each in ("headless=new", "no-sandbox", "disable-gpu", "window-size=1300,1000"):
        options.add_argument(f"--{each}")
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    return webdriver.Chrome(options=options, service=service)


def take_pictures(browser: Chrome, row: str, folder: Path) -> None:
    """Save what the window shows of all samples, and of one with the word of the largest score."""
    from selenium.webdriver import ActionChains

    folder.mkdir(parents=True, exist_ok=True)
    browser.save_screenshot(str(folder / "explorer.png"))
    browser.execute_script("change({row: arguments[0]})", row)
    words = browser.find_elements("css selector", ".words .node")
    words = [word for word in words if any(map(str.isalpha, word.text))]
    share = "return Number(arguments[0].style.getPropertyValue('--share'))"
    best = max(words, key=lambda word: float(browser.execute_script(share, word)))
    browser.save_screenshot(str(folder / "explorer_sample.png"))
    ActionChains(browser).move_to_element(best).perform()
    browser.save_screenshot(str(folder / "explorer_attention.png"))
    browser.execute_script("change({row: ''})")


def both_work(found: Sequence[Explanation]) -> str:
    """Return the row of a right prediction whose strongest region and word are most alike."""

    def rank(explanation: Explanation) -> float:
        nodes = explanation.to_frame()
        best = nodes.groupby("modality")["score"].max()
        words = (nodes["modality"] == "text").sum()
        is_good = explanation.is_right and len(best) > 1 and words > 4
        return best.min() / best.max() if is_good else 0.0

    return max(found, key=rank).row


#: Reports what axe-core finds, with how serious that is.
_AXE = """const done = arguments[0];
axe.run({resultTypes: ["violations"]}).then(({violations}) => done(
    violations.map(({id, impact, nodes}) => `${impact}: ${id} (${nodes.length})`)));"""


def check_with_axe(browser: Chrome, script: Path, row: str) -> list[str]:
    """Return what axe-core finds in the table and in a sample, in both themes."""
    found = []
    browser.execute_script(script.read_text("utf-8"))
    for key in ("", row):
        browser.execute_script("change({row: arguments[0]})", key)
        for _ in range(2):
            browser.execute_script("changeTheme()")
            found += browser.execute_async_script(_AXE)
    browser.execute_script("change({row: ''})")
    return found


def main() -> None:
    arguments = parse_arguments()
    clf = load(arguments.model) if arguments.model else fit()
    rows = load_openclipart().part("test", "val").head(arguments.samples)
    start = time.perf_counter()
    found = [clf.explain(rows, method=method, truth="label") for method in arguments.methods]
    print(f"explained in {time.perf_counter() - start:.0f} s", end=", ")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    to_html([each for row in zip(*found, strict=True) for each in row], arguments.output)
    print(f"page written in {time.perf_counter() - start:.0f} s")
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
        if arguments.axe:
            print("axe-core:", check_with_axe(browser, arguments.axe, found[0][0].row) or "nothing")
        if arguments.pictures:
            take_pictures(browser, both_work(found[0]), arguments.pictures)
    finally:
        browser.quit()


if __name__ == "__main__":
    main()
