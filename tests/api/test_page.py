"""The one-map page in a real browser, against the real application and database."""

import shutil
import warnings
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

from tests.api.world import PASSWORD, SPOTS, YUSHU
from tests.probes import until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
LIBRARIES = Path(__file__).parents[2] / "node_modules" / "maplibre-gl" / "dist"
# SwiftShader draws WebGL without a flag; the rest keeps Chromium off the network
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PLAIN = (233, 228, 218)  # the map's element without its canvas
PATIENCE = 60_000  # ms: software rendering on a busy machine

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
    pytest.mark.skipif(not LIBRARIES.is_dir(), reason="no node_modules here: make node_modules"),
    pytest.mark.timeout(180),
]


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser, world):
    """Open the page in a fresh session; at the end no error and no foreign request is allowed."""
    errors, hosts, contexts = [], set(), []

    def note(request):
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss"):
            hosts.add(parts.netloc)

    def opened(width=1440, height=900, path="/"):
        context = browser.new_context(
            viewport={"width": width, "height": height},
            locale="zh-CN",
            timezone_id="America/New_York",  # days must be Shanghai's wherever the visitor is
            reduced_motion="reduce",
            has_touch=width < 1024,
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", note)
        page.goto(world.url + path)
        return page

    opened.errors = errors
    yield opened
    for context in contexts:
        context.close()
    assert errors == []
    assert hosts == {urlsplit(world.url).netloc}


def log_in(page, login=f"officer-{YUSHU}", password=PASSWORD):
    page.get_by_test_id("login-name").fill(login)
    page.get_by_test_id("login-password").fill(password)
    page.get_by_test_id("login-submit").click()


def entered(page):
    """Wait until what the account may see is loaded and drawn (the map's idle event)."""
    page.evaluate("window.heitu.ready")


def click_at(page, lon, lat, zoom=14):
    page.evaluate(
        """([lon, lat, zoom]) => new Promise((resolve) => {
            window.heitu.map.once('idle', () => resolve());
            window.heitu.map.jumpTo({center: [lon, lat], zoom});
        })""",
        [lon, lat, zoom],
    )
    x, y = page.evaluate(
        """([lon, lat]) => {
            const {x, y} = window.heitu.map.project([lon, lat]);
            const box = window.heitu.map.getCanvas().getBoundingClientRect();
            return [x + box.x, y + box.y];
        }""",
        [lon, lat],
    )
    page.mouse.click(x, y)


def inked(page):
    """Number of pixels of the chart that something was drawn on."""
    return (
        page.get_by_test_id("chart")
        .locator("canvas")
        .evaluate(
            """(c) => { const {data} = c.getContext('2d').getImageData(0, 0, c.width, c.height);
            let n = 0; for (let i = 3; i < data.length; i += 4) n += data[i] > 0; return n; }"""
        )
    )


def pull_down(page):
    """Drag the sheet one height down by its grip."""
    grip = page.locator(".grip").bounding_box()
    page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + 8)
    page.mouse.down()
    page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + 80, steps=4)
    page.mouse.up()


def colour_at(page, x, y):
    """What the visitor sees at a point of the page."""
    clip = {"x": x, "y": y, "width": 1, "height": 1}
    with warnings.catch_warnings(), MemoryFile(page.screenshot(clip=clip)) as file:
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # a screenshot is no map
        with file.open() as image:
            return tuple(int(v) for v in image.read()[:3, 0, 0])


def test_click_on_a_field_shows_its_chart_and_its_advice(visit, world):
    page = visit()
    expect(page.get_by_test_id("login-form")).to_be_visible()
    log_in(page)
    entered(page)
    expect(page.get_by_test_id("login-form")).not_to_be_visible()
    lon, lat = SPOTS[YUSHU]
    click_at(page, lon + 0.002, lat + 0.002)  # beside the probe, which stands in the middle

    card = page.get_by_test_id("card")
    expect(card.locator("h2")).to_contain_text("一号地")
    expect(card.locator("h2")).to_contain_text("移置")
    expect(card.locator(".state")).to_contain_text("10 cm 土壤")
    expect(page.get_by_test_id("chart")).to_be_visible()
    assert inked(page) > 2000

    made = world.get(f"/v1/recommendations/{world.places[YUSHU].recommendation}").json()
    expect(page.get_by_test_id("advice-action")).to_have_text(made["action_text"]["zh"])
    reasons = page.get_by_test_id("advice-reasons").locator("li")
    assert reasons.count() >= min(3, len(made["reasons"]))
    expect(reasons.first).to_contain_text(made["reasons"][0]["text"]["zh"])

    page.get_by_test_id("lang").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(card.locator("h2")).to_contain_text("Field 1")
    expect(page.get_by_test_id("advice-action")).to_have_text(made["action_text"]["en"])
    expect(page.get_by_test_id("layers")).to_contain_text("Soil water")


def test_evidence_opens_and_the_number_shows_its_rows(visit, world):
    page = visit(path=f"/#field={world.places[YUSHU].field}")
    log_in(page)
    entered(page)
    page.locator(".figure[data-quantity=soil_moisture]").click()
    why = page.get_by_test_id("why")
    expect(why.locator("code")).to_contain_text(f"datastream={world.places[YUSHU].moisture}")
    expect(why.locator("tbody tr").first).to_be_visible()
    page.get_by_test_id("evidence").locator("summary").click()
    page.get_by_test_id("advice-replay").click()
    expect(page.get_by_test_id("advice-replay")).to_contain_text("逐位一致")


def test_the_ndvi_layer_draws_with_its_legend_and_date(visit):
    page = visit()
    log_in(page)
    entered(page)
    with page.expect_response(lambda r: "/tiles/" in r.url and r.status == 200) as tile:
        lon, lat = SPOTS[YUSHU]
        page.evaluate("([a, b]) => heitu.map.jumpTo({center: [a, b], zoom: 13})", [lon, lat])
        page.locator("[data-layer=ndvi] .switch").click()
    assert tile.value.headers["content-type"] == "image/png"
    expect(page.get_by_test_id("timebar")).to_be_visible()
    expect(page.get_by_test_id("legends")).to_contain_text("NDVI")
    expect(page.get_by_test_id("legends")).to_contain_text("移置")


def drawn(page, expression):
    """Wait until an expression holds in the page: not by its own timer, whose eval is forbidden."""
    until(lambda: page.evaluate(expression))


def test_an_open_alarm_is_on_the_map_in_the_panel_and_on_the_card(visit, world):
    page = visit()
    log_in(page)
    entered(page)
    row = page.get_by_test_id("alarm-row")
    expect(row).to_have_count(1)  # the neighbour's is not ours to see
    expect(row).to_contain_text("土壤过湿")
    drawn(page, "heitu.map.queryRenderedFeatures({layers: ['alarm-badge']}).length > 0")
    lon, lat = SPOTS[YUSHU]
    # the badge stands 8 pixels right and above the probe
    click_at(page, lon + 8 * 360 / 512 / 2**15, lat + 8 * 0.71 * 360 / 512 / 2**15, zoom=15)
    alarm = page.get_by_test_id("alarm")
    expect(alarm).to_contain_text("高于 0.2 m³/m³")
    expect(alarm).to_contain_text("未经核实")
    expect(page.get_by_test_id("alarm-acknowledge")).to_be_visible()
    page.get_by_test_id("lang").click()
    expect(page.get_by_test_id("alarm")).to_contain_text("Wet soil")
    expect(page.get_by_test_id("alarm-row")).to_contain_text("Wet soil")
    page.locator("[data-layer=alarms] .switch").click()
    drawn(page, "heitu.map.queryRenderedFeatures({layers: ['alarm-badge']}).length == 0")


def test_a_wrong_password_is_told_and_the_public_map_stays(visit):
    page = visit()
    log_in(page, password="not-this-one")
    expect(page.get_by_test_id("login-fault")).to_have_text("账号或密码不对。")
    page.keyboard.press("Escape")
    drawn(page, "heitu.map.queryRenderedFeatures({layers: ['county-fill']}).length > 0")
    assert [e for e in visit.errors if "401" not in e] == []
    visit.errors.clear()  # the browser itself logs the 401 that was asked for


@pytest.mark.parametrize(("width", "height"), [(360, 640), (768, 1024)])
def test_nothing_is_wider_than_a_small_screen(visit, world, width, height):
    page = visit(width, height, path=f"/#field={world.places[YUSHU].field}")
    log_in(page)
    entered(page)
    expect(page.get_by_test_id("advice")).to_be_attached()
    card = page.get_by_test_id("card").bounding_box()
    assert card["x"] == 0
    assert card["width"] == width
    # the map must be seen behind the sheet: not its bare element, at half and at peek height
    assert colour_at(page, width // 2, height // 4) != PLAIN
    pull_down(page)
    expect(page.get_by_test_id("card")).to_have_attribute("data-height", "peek")
    page.wait_for_timeout(400)  # the sheet moves for 150 ms
    assert colour_at(page, width // 2, 100) != PLAIN
    cut = page.evaluate(
        """() => [...document.querySelectorAll('.bar button, .card-head *, .figure, .action, .fab')]
            .filter((e) => e.offsetParent && e.getBoundingClientRect().right > innerWidth + 0.5)
            .map((e) => e.className)"""
    )
    assert cut == []
    small = page.evaluate(
        """() => [...document.querySelectorAll('.bar button, .fab, .card .ghost')]
            .filter((e) => e.offsetParent && e.getBoundingClientRect().height < 44
                           && !e.classList.contains('brand') && !e.classList.contains('crumb'))
            .map((e) => e.className)"""
    )
    assert small == []
