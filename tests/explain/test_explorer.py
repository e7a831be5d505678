"""The page in a real browser."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from mmgraph.explain.html import make_frame, to_html
from mmgraph.modalities.base import Place

pytest.importorskip("selenium", reason="needs pip install selenium")
BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="needs chromium and chromedriver on the PATH"
)

EVIL = "</script><img/src=x/onerror=document.title='owned'>"


@pytest.fixture(scope="module")
def browser():
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for each in ("headless=new", "no-sandbox", "disable-gpu", "window-size=1200,760"):
        options.add_argument(f"--{each}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def explanations(make_explanation):
    steps = [("audio", "audio", Place("0.0 to 0.5 s", span=(0.0, 0.5)))]
    return [
        make_explanation("a red cat 🐈 sits", row="first", extra=steps),
        make_explanation("a red cat 🐈 sits", row="first", method="occlusion", seed=1, extra=steps),
        make_explanation(f"one {EVIL} two", row=EVIL, seed=2),
    ]


@pytest.fixture
def page(browser, explanations, tmp_path):
    to_html(explanations, tmp_path / "page.html")
    browser.get((tmp_path / "page.html").as_uri())
    yield browser
    assert browser.get_log("browser") == []  # no errors, nothing blocked, nothing fetched


def find(page, selector):
    return page.find_elements("css selector", selector)


def node(page, number):
    return find(page, f'[data-node="{number}"]')[0]


def colors(page):
    script = "return [...document.querySelectorAll('.node')].map(e => e.style.background)"
    return page.execute_script(script)


def hover(page, element):
    from selenium.webdriver import ActionChains

    ActionChains(page).move_to_element(element).perform()


def choose(page, name, text):
    from selenium.webdriver.support.ui import Select

    Select(find(page, f"#{name}")[0]).select_by_visible_text(text)


def press(page, *keys):
    from selenium.webdriver import ActionChains

    ActionChains(page).send_keys(*keys).perform()


def opacity(color):
    """Return the last number of rgba(...); 1 for rgb(...)."""
    parts = color[color.index("(") + 1 : color.rindex(")")].split(",")
    return float(parts[-1]) if color.startswith("rgba") else 1.0


def test_everything_is_drawn(page, explanations):
    assert [each.text for each in find(page, ".words .node")] == ["a", "red", "cat", "🐈", "sits"]
    assert find(page, ".words")[0].text == "a red cat 🐈 sits"
    assert [each.text for each in find(page, ".chips .node")] == ["0.0 to 0.5 s"]
    regions = find(page, ".picture .node")
    assert len(regions) == 25
    picture = find(page, ".picture img")[0].rect
    assert regions[0].rect["width"] == pytest.approx(picture["width"] / 5, abs=1)
    assert regions[6].rect["y"] - picture["y"] == pytest.approx(picture["height"] / 5, abs=1.5)
    outputs = [each.text.split("\n") for each in find(page, "#outputs .row")]
    assert outputs[0] == ["animals", "70.0%"]
    modalities = [each.text.split("\n") for each in find(page, "#modalities .row")]
    scores = explanations[0].modality_scores
    assert [each[0] for each in modalities] == ["image", "text", "audio"]
    assert [float(each[1]) for each in modalities] == pytest.approx(list(scores.values()), abs=1e-3)
    scale = np.abs(explanations[0].scores).max()
    shown = [opacity(color) for color in colors(page)]
    np.testing.assert_allclose(shown, 0.75 * np.abs(explanations[0].scores) / scale, atol=2e-3)


def shares(explanation, relation, own, chosen, *, layer=None, head=None):
    """Return the share of colour of each node at the other end: r / (1 + r), r even weights."""
    other = "source" if own == "target" else "target"
    sums = {}
    for edges in explanation.edges:
        if edges.relation != relation or layer not in (None, edges.layer):
            continue
        weight = edges.weight.mean(1) if head is None else edges.weight[:, head]
        even = np.array([weight[edges.target == target].mean() for target in edges.target])
        for edge in np.flatnonzero(getattr(edges, own) == chosen):
            one = sums.setdefault(int(getattr(edges, other)[edge]), [0.0, 0.0])
            one[0] += weight[edge]
            one[1] += even[edge]
    ratio = np.array([sums[node][0] / sums[node][1] for node in sorted(sums)])
    return ratio / (1 + ratio)


def test_a_word_lights_the_regions_it_attends_to(page, explanations):
    before = colors(page)
    hover(page, node(page, 27))  # the third word
    after = colors(page)
    assert before != after
    share = shares(explanations[0], ("image", "to", "text"), "target", 27)
    # What it attends to stays clear, all else goes dark.
    veil = [opacity(color) for color in after[:25]]
    np.testing.assert_allclose(veil, 0.72 * (1 - share), atol=0.02)
    listed = find(page, "#attention .row .name")[0].get_attribute("textContent")
    assert listed == explanations[0].nodes[int(share.argmax())].place.label
    hover(page, find(page, "h2")[0])
    assert colors(page) == before


def test_a_region_lights_the_words_it_attends_to(page, explanations):
    choose(page, "relation", "text → image (to)")
    choose(page, "layer", "layer 2")
    choose(page, "head", "head 3")
    hover(page, node(page, 12))
    share = shares(explanations[0], ("text", "to", "image"), "target", 12, layer=1, head=2)
    shown = [opacity(color) for color in colors(page)[25:30]]
    np.testing.assert_allclose(shown, 0.7 * share, atol=0.01)


def test_the_other_direction(page, explanations):
    choose(page, "relation", "image → text (to)")
    choose(page, "direction", "what attends to it")
    hover(page, node(page, 12))
    share = shares(explanations[0], ("image", "to", "text"), "source", 12)
    shown = [opacity(color) for color in colors(page)[25:30]]
    np.testing.assert_allclose(shown, 0.7 * share, atol=0.02)


def test_methods_and_samples(page, explanations):
    first = colors(page)
    choose(page, "method", "occlusion")
    assert colors(page) != first
    find(page, "#count")[0].click()  # letters belong to a list while it has the focus
    press(page, "n")
    assert find(page, "#count")[0].text == "2 of 2"
    assert find(page, "#method")[0].is_enabled() is False
    press(page, "n")
    assert find(page, "#count")[0].text == "1 of 2"
    find(page, "#previous")[0].click()
    assert find(page, "#count")[0].text == "2 of 2"


def test_text_cannot_act(page):
    press(page, "p")
    assert find(page, ".words")[0].text == f"one {EVIL} two"
    hover(page, node(page, 26))
    assert EVIL in find(page, "#attention")[0].text
    assert page.title == "mmgraph: explanations"
    assert len(find(page, "img")) == 1
    assert page.execute_script("return document.scripts.length") == 2


def test_keyboard(page):
    from selenium.webdriver.common.keys import Keys

    page.execute_script("document.querySelector('#theme').focus()")
    rest = colors(page)
    press(page, Keys.TAB)
    assert page.switch_to.active_element.get_attribute("data-node") == "0"
    lit = colors(page)
    assert lit != rest
    press(page, Keys.ARROW_DOWN, Keys.ARROW_RIGHT)
    assert page.switch_to.active_element.get_attribute("data-node") == "6"
    press(page, Keys.ENTER, Keys.TAB)
    assert page.switch_to.active_element.get_attribute("data-node") == "25"
    press(page, Keys.TAB, Keys.TAB)  # beyond the inputs
    assert node(page, 6).get_attribute("aria-pressed") == "true"
    assert "row 2, column 2" in find(page, "#attention")[0].text
    press(page, Keys.ESCAPE)
    assert colors(page) == rest


def test_light_and_dark(page):
    def paper():
        return page.execute_script("return getComputedStyle(document.body).backgroundColor")

    assert paper() == "rgb(255, 255, 255)"
    press(page, "d")
    assert paper() == "rgb(21, 24, 28)"
    find(page, "#theme")[0].click()
    assert paper() == "rgb(255, 255, 255)"


def test_frame_of_a_notebook(browser, explanations, tmp_path):
    path = tmp_path / "frame.html"
    path.write_text(f"<meta charset=utf-8>{make_frame(explanations[0])}", encoding="utf-8")
    browser.get(path.as_uri())
    browser.switch_to.frame(0)
    assert len(find(browser, ".picture .node")) == 25
    assert browser.get_log("browser") == []
    browser.switch_to.default_content()


def test_a_hundred_samples_open_quickly(browser, make_explanation, tmp_path):
    text = " ".join(["some words that go with a picture"] * 6)
    few = [make_explanation(text, row=str(row), seed=row) for row in range(10)]
    many = []
    for row in range(100):
        edges = few[row % 10].edges
        # Weights differ from row to row, so nothing is written once for two.
        own = [replace(each, weight=each.weight * (1 - row / 200)) for each in edges]
        own[0].weight[0, 0] = 0.0
        many.append(replace(few[row % 10], row=str(row), edges=own))
    path = tmp_path / "many.html"
    to_html(many, path)
    assert path.stat().st_size < 15e6
    browser.get(path.as_uri())
    assert find(browser, "#count")[0].text == "1 of 100"
    timing = "const t = performance.getEntriesByType('navigation')[0]; return t.loadEventEnd"
    assert 0 < browser.execute_script(timing) < 2000
