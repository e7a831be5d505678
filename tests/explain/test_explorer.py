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
CLASSES = ("animals", "tools", "a class with a very long name indeed")


@pytest.fixture(scope="module")
def browser():
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for each in ("headless=new", "no-sandbox", "disable-gpu", "window-size=1300,900"):
        options.add_argument(f"--{each}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def explanations(make_explanation):
    steps = [("audio", "audio", Place("0.0 to 0.5 s", span=(0.0, 0.5)))]
    return [
        make_explanation("a red cat 🐈 sits", row="first", extra=steps),
        make_explanation("a red cat 🐈 sits", row="first", method="occlusion", seed=1, extra=steps),
        make_explanation(f"one {EVIL} two", row=EVIL, seed=2),
    ]


@pytest.fixture(scope="module")
def rows(make_explanation):
    """Return explanations of 40 rows, of which every fourth is predicted wrongly."""
    random = np.random.default_rng(0)
    made = []
    for row in range(40):
        truth, decided = row % 3, (row + (row % 4 == 0)) % 3
        sure = 0.5 + row / 100
        predicted = [sure if place == decided else (1 - sure) / 2 for place in range(3)]
        explanation = make_explanation(f"drawing number {row}", row=str(row), seed=row)
        known = {"truth": (CLASSES[truth],), "decided": (CLASSES[decided],), "target": decided}
        vector = random.normal(size=6) + 4 * np.eye(6)[truth]
        made.append(replace(explanation, predicted=predicted, vector=vector, **known))
    return made


@pytest.fixture(scope="module")
def page_of(tmp_path_factory):
    """Return a function that opens a page of explanations, written once."""
    written = {}

    def open_page(browser, name, explanations, address=""):
        if name not in written:
            written[name] = tmp_path_factory.mktemp(name) / "page.html"
            to_html(explanations, written[name])
        browser.get("about:blank")
        browser.get(written[name].as_uri() + address)
        return browser

    return open_page


@pytest.fixture
def page(browser, explanations, page_of):
    yield page_of(browser, "few", explanations, "#row=first")
    assert browser.get_log("browser") == []  # no errors, nothing blocked, nothing fetched


@pytest.fixture
def table(browser, rows, page_of):
    yield page_of(browser, "many", rows)
    assert browser.get_log("browser") == []


def find(page, selector):
    return page.find_elements("css selector", selector)


def node(page, number):
    return find(page, f'[data-node="{number}"]')[0]


def shares(page):
    script = """return [...document.querySelectorAll('.node')].map(
        e => (e.classList.contains('against') ? -1 : 1) * e.style.getPropertyValue('--share'))"""
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


def listed(page):
    return [each.text for each in find(page, "#body a")]


def focused(page, attribute):
    return page.switch_to.active_element.get_attribute(attribute)


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
    # One scale for all modalities, and hatching for what speaks against.
    scale = np.abs(explanations[0].scores).max()
    np.testing.assert_allclose(shares(page), explanations[0].scores / scale, atol=2e-3)


def attended(explanation, relation, own, chosen, *, layer=None, head=None):
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
    before = shares(page)
    hover(page, node(page, 27))  # the third word
    share = attended(explanations[0], ("image", "to", "text"), "target", 27)
    np.testing.assert_allclose(shares(page)[:25], share, atol=0.02)
    best = find(page, "#attention .row .name")[0].get_attribute("textContent")
    assert best == explanations[0].nodes[int(share.argmax())].place.label
    hover(page, find(page, "h1")[0])
    assert shares(page) == before


def test_a_region_lights_the_words_it_attends_to(page, explanations):
    choose(page, "relation", "text → image (to)")
    choose(page, "layer", "layer 2")
    choose(page, "head-choice", "head 3")
    hover(page, node(page, 12))
    share = attended(explanations[0], ("text", "to", "image"), "target", 12, layer=1, head=2)
    np.testing.assert_allclose(shares(page)[25:30], share, atol=0.02)


def test_the_other_direction(page, explanations):
    choose(page, "relation", "image → text (to)")
    choose(page, "direction", "what attends to it")
    hover(page, node(page, 12))
    share = attended(explanations[0], ("image", "to", "text"), "source", 12)
    np.testing.assert_allclose(shares(page)[25:30], share, atol=0.02)


def test_methods_and_samples(page):
    first = shares(page)
    choose(page, "method", "occlusion")
    assert shares(page) != first
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
    assert EVIL in find(page, "#title")[0].text
    press(page, "/")
    assert listed(page) == ["first", EVIL]
    assert page.title == "mmgraph: explanations"
    assert page.execute_script("return document.scripts.length") == 2


def test_keyboard_within_a_sample(page):
    from selenium.webdriver.common.keys import Keys

    page.execute_script("document.querySelector('#direction').focus()")
    rest = shares(page)
    press(page, Keys.TAB)
    assert focused(page, "data-node") == "0"
    assert shares(page) != rest
    press(page, Keys.ARROW_DOWN, Keys.ARROW_RIGHT)
    assert focused(page, "data-node") == "6"
    press(page, Keys.ENTER, Keys.TAB)
    assert focused(page, "data-node") == "25"
    press(page, Keys.TAB, Keys.TAB)  # beyond the inputs
    assert node(page, 6).get_attribute("aria-pressed") == "true"
    assert "row 2, column 2" in find(page, "#attention")[0].text
    press(page, Keys.ESCAPE)
    assert shares(page) == rest
    press(page, "o")  # the picture without colours
    assert node(page, 6).value_of_css_property("background-color") == "rgba(0, 0, 0, 0)"
    press(page, "o")
    press(page, Keys.ESCAPE)
    assert focused(page, "data-sample") == "0"  # back in the table


def test_light_and_dark(page):
    def paper():
        return page.execute_script("return getComputedStyle(document.body).backgroundColor")

    assert paper() == "rgb(255, 255, 255)"
    press(page, "d")
    assert paper() == "rgb(21, 24, 28)"
    find(page, "#theme")[0].click()
    assert paper() == "rgb(255, 255, 255)"


def luminance(color):
    linear = np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_words_in_full_colour_can_be_read_in_both_themes(page):
    script = """
        const style = getComputedStyle(document.documentElement);
        return ['--paper', '--ink', '--for', '--against', '--most'].map(
            (name) => style.getPropertyValue(name).trim())"""

    def read(text):
        if text.startswith("#"):
            return np.array([int(text[at : at + 2], 16) for at in (1, 3, 5)]) / 255
        return np.array([float(each) for each in text.split(",")]) / 255

    for _ in range(2):
        *colors, most = page.execute_script(script)
        paper, ink, *fills = map(read, colors)
        for fill in fills:
            seen = luminance(float(most) * fill + (1 - float(most)) * paper)
            high, low = max(seen, luminance(ink)), min(seen, luminance(ink))
            assert (high + 0.05) / (low + 0.05) >= 4.5
        press(page, "d")


def test_for_and_against_differ_without_colour(page):
    kinds = {}
    for each in find(page, ".words .node, .picture .node"):
        image = each.value_of_css_property("background-image")
        is_against = "against" in each.get_attribute("class").split()
        kinds.setdefault(is_against, set()).add("repeating-linear-gradient" in image)
    assert kinds == {True: {True}, False: {False}}


def test_frame_of_a_notebook(browser, explanations, tmp_path):
    path = tmp_path / "frame.html"
    path.write_text(f"<meta charset=utf-8>{make_frame(explanations)}", encoding="utf-8")
    browser.get(path.as_uri())
    browser.switch_to.frame(0)
    find(browser, "#body a")[0].click()
    assert len(find(browser, ".picture .node")) == 25
    assert browser.get_log("browser") == []
    browser.switch_to.default_content()


def test_table_filters_sorts_and_searches(table, rows):
    assert find(table, "#summary")[0].text == "Explanations of 40 samples, 75.0% right"
    assert listed(table) == [each.row for each in rows]
    choose(table, "truth", "tools")
    choose(table, "outcome", "wrong")
    find(table, '[data-sort="confidence"]')[0].click()
    wanted = [each for each in rows if each.truth == ("tools",) and not each.is_right]
    wanted = [each.row for each in sorted(wanted, key=lambda each: -max(each.predicted))]
    assert listed(table) == wanted
    head = find(table, 'th[aria-sort="descending"]')
    assert [each.text for each in head] == ["confidence ↓"]
    find(table, "#q")[0].send_keys(f"number {wanted[1]}")
    assert listed(table) == [wanted[1]]
    find(table, "#reset")[0].click()
    find(table, "#low")[0].send_keys("85")
    assert {int(row) for row in listed(table)} == set(range(35, 40))
    assert find(table, "#found")[0].text.startswith("5 of 40 samples")


def test_what_is_shown_stands_in_the_address(table, rows, browser, page_of):
    choose(table, "outcome", "wrong")
    find(table, "#body a")[1].click()
    assert table.current_url.endswith("#row=4&outcome=wrong")
    table.refresh()
    assert find(table, "#title")[0].text == "row 4 · predicted a class with a very long name" + (
        " indeed · 54.0% · ✗ wrong, it is tools"
    )
    assert find(table, "#count")[0].text == "2 of 10 chosen"
    table.back()
    assert len(listed(table)) == 10
    page_of(browser, "many", rows, "#row=36")
    assert find(table, "#title")[0].text.startswith("row 36 ·")


def test_numbers_of_the_matrix_show_their_samples(table, rows):
    from selenium.webdriver.common.keys import Keys

    numbers = find(table, "#confusion button")
    assert sum(int(each.text) for each in numbers) == 40
    wrong = next(each for each in numbers if "animals, predicted as tools" in each.accessible_name)
    wrong.click()
    found = [each for each in rows if (*each.truth, *each.decided) == ("animals", "tools")]
    assert listed(table) == [each.row for each in found]
    assert wrong.get_attribute("aria-pressed") == "true"
    press(table, Keys.ENTER)  # the focus stays
    assert len(listed(table)) == 40
    press(table, Keys.ARROW_DOWN)
    assert "of tools, predicted as tools" in focused(table, "aria-label")


def test_points_of_the_map_open_samples(table, rows):
    from selenium.webdriver.common.keys import Keys

    points = find(table, "#map path")
    assert len(points) == 40
    assert sum("error" in each.get_attribute("class") for each in points) == 10
    table.execute_script("arguments[0].focus()", points[7])
    press(table, Keys.ARROW_LEFT)
    other = int(focused(table, "data-sample"))
    assert other != 7
    press(table, Keys.ENTER)
    assert find(table, "#title")[0].text.startswith(f"row {other} ·")
    vectors = np.stack([each.vector for each in rows])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    alike = unit @ unit[other]
    alike[other] = -2
    near = find(table, "#near a")
    assert near[0].text == f"row {alike.argmax()}"
    near[0].click()
    assert find(table, "#title")[0].text.startswith(f"row {alike.argmax()} ·")


def test_the_most_confident_errors_are_found_by_keyboard_alone(table, rows):
    from selenium.webdriver.common.keys import Keys

    press(table, "/", Keys.TAB, "animals", Keys.TAB, Keys.TAB, "wrong")
    for _ in range(30):
        press(table, Keys.TAB)
        if focused(table, "data-sort") == "confidence":
            break
    press(table, Keys.ENTER, "n")
    wrong = [each for each in rows if each.truth == ("animals",) and not each.is_right]
    surest = max(wrong, key=lambda each: max(each.predicted))
    assert find(table, "#title")[0].text.startswith(f"row {surest.row} ·")
    assert f"row={surest.row}&" in table.current_url


def test_what_is_chosen_as_csv(table, rows):
    choose(table, "outcome", "wrong")
    written = table.execute_script("return csvOf(chosen)").split("\r\n")
    assert written[0] == "row,truth,predicted,confidence,right,error,input"
    assert written[1] == f'"0","animals","tools",{rows[0].predicted[1]},false,,"drawing number 0"'
    assert len(written) == 1 + 10 + 1
    assert table.execute_script("return csvOf([{...chosen[0], texts: '=1+1'}])").endswith(
        '"\'=1+1"\r\n'
    )


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
    assert find(browser, "#count")[0].text == "100 samples"
    timing = "const t = performance.getEntriesByType('navigation')[0]; return t.loadEventEnd"
    assert 0 < browser.execute_script(timing) < 2000
