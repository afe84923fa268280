"""Fill the store with the demonstration province; safe to run at every start."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from analytics import desk
from analytics.agronomy.synthetic import ATTRIBUTION
from deploy import wiring
from deploy.demo import farms, generated, history, people, places
from deploy.demo.logs import DATA
from deploy.settings import Settings
from ingest import weather
from ingest.alarms import book
from ingest.mqtt.publisher import Publisher
from models import calendar
from models.platform import Platform
from models.store import places as known_places
from models.store.weather import stations

# month, day: before the guidance window of maize in central Jilin, and inside it
SPRING = ((4, 24), (5, 12))
SYNTHETIC = weather.Series(
    key="jilin-synthetic",
    name_zh="长春一带(模拟天气)",
    name_en="Around Changchun (synthetic weather)",
    location=(125.3, 43.9),
    elevation_m=None,
    region_code="220100",
    provenance=farms.MADE,
    attribution=ATTRIBUTION,
    columns={},
)


def run(settings: Settings) -> None:
    """Bring the demonstration up to date and show how far it is."""
    with wiring.open_platform(settings) as platform, _screen() as screen:
        for told, step in (
            ("divisions, farms, devices, logins", _register),
            ("weather series", _weather),
            ("readings through MQTT", _readings),
            ("alarm rules, tried on a year", _alarms),
            ("satellite scene", _scene),
            ("recommendations", _advice),
        ):
            task = screen.add_task(told, total=None)
            if screen.disable:
                print(f"  {told}", flush=True)
            step(settings, platform, screen, task)
            screen.update(task, total=1, completed=1)


@contextmanager
def _screen() -> Iterator[Progress]:
    console = Console()
    columns = (TextColumn("  {task.description:36}"), BarColumn(30), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as screen:
        yield screen


def _register(settings: Settings, platform: Platform, screen: Progress, task: TaskID) -> None:
    with platform.database.writing() as tx:
        if not known_places.regions(tx, prefix="220000"):
            known_places.add_regions(tx, *places.regions())
        people.register(tx)
        places.register(tx)


def _weather(settings: Settings, platform: Platform, screen: Progress, task: TaskID) -> None:
    with platform.database.reading() as tx:
        known = {station.key for station in stations(tx)}
    folder = DATA / "weather"
    for series, name in (
        (weather.CHAMPION, "champion_nebraska_1982_2018_daily.csv"),
        (weather.KNMI_DE_BILT, "knmi_debilt260_1991_2019_daily.csv"),
    ):
        if series.key not in known:
            weather.import_file(platform.database, folder / name, series)
    today = calendar.day_of(platform.clock())
    days = generated.weather(today)
    weather.keep(platform.database, SYNTHETIC, days if SYNTHETIC.key not in known else days[-400:])


def _readings(settings: Settings, platform: Platform, screen: Progress, task: TaskID) -> None:
    """Publish what was recorded since the last start, and wait until it is stored."""
    database, note = platform.database, settings.folder / "demo.json"
    now = datetime.now(UTC)
    history.await_ingestor(database, now)
    before = history.received(database)

    def show(done: int, total: int) -> None:
        screen.update(task, completed=done, total=total)

    since = _published_until(note.read_text()) if note.exists() else None
    with Publisher(wiring.link(settings, "heitu-demo-history")) as publisher:
        sent = history.publish(publisher, since, now, show)
    history.await_received(database, before, sent, show)
    note.write_text(json.dumps({"published_until": now.isoformat()}))


def _published_until(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(json.loads(text)["published_until"])
    except (ValueError, KeyError, TypeError):
        return None


def _alarms(settings: Settings, platform: Platform, screen: Progress, task: TaskID) -> None:
    """Keep the shipped rules and switch on, once, those that are new."""
    now = platform.clock()
    with platform.database.writing() as tx:
        done = book.keep(tx, book.shipped(), now)
    fresh = [key for key, what in done.items() if what == "added"]
    book.enable_tested(platform.database, fresh, now, "demonstration")


def _scene(settings: Settings, platform: Platform, screen: Progress, task: TaskID) -> None:
    folder = DATA / "sentinel2"
    if not folder.exists():
        return
    from ingest.satellite import pipeline  # rasterio takes 0.7 s to import

    pipeline.take_in(folder, platform.database, platform.archive, relocate=farms.YUSHU)


def _advice(settings: Settings, platform: Platform, screen: Progress, task: TaskID) -> None:
    """Ask for days of last spring and for today, for each field of the demonstration."""
    today = calendar.day_of(platform.clock())
    for farm in farms.all_farms():
        for parcel in farm.fields:
            with platform.database.reading() as tx:
                field = known_places.field_by_key(tx, parcel.key)
            assert field is not None
            for day in (*last_spring(today), today):
                desk.recommend(platform.database, field.id, as_of=day, clock=platform.clock)


def last_spring(today: date) -> list[date]:
    """Return the days of the latest spring that is over."""
    days = [date(today.year, *day) for day in SPRING]
    return days if days[-1] <= today else [day.replace(year=today.year - 1) for day in days]
