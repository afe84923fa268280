"""Weather files: real series whole, broken rows named by line."""

from datetime import date

import pytest

from ingest import weather
from models.errors import Invalid
from models.store import weather as store
from tests.analytics.desk_cases import SAMPLES

CHAMPION = SAMPLES / "champion_nebraska_1982_2018_daily.csv"
KNMI = SAMPLES / "knmi_debilt260_1991_2019_daily.csv"
HEADING = "date,tmin_c,tmax_c,prcp_mm\n"


def parsed(*lines):
    return weather.parse(HEADING + "\n".join(lines), weather.CHAMPION)


def test_champion_comes_in_whole():
    found = weather.read(CHAMPION, weather.CHAMPION)
    assert (len(found.days), found.errors) == (13_514, [])
    first = found.days[0]
    assert (first.day, first.tmin, first.tmax) == (date(1982, 1, 1), -21.11, 3.33)
    assert (first.tmean, first.rain) == (None, 0.0)


def test_knmi_comes_in_whole():
    found = weather.read(KNMI, weather.KNMI_DE_BILT)
    assert (len(found.days), found.errors) == (10_592, [])
    assert found.days[1].tmean == 10.1
    assert found.days[1].rain == 20.4


def test_samples_stay_small():
    assert sum(path.stat().st_size for path in SAMPLES.iterdir()) < 1_200_000


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("2020-02-30,1,2,0", "not a day"),
        ("30.02.2020,1,2,0", "not a day"),
        ("0001-01-01,1,2,0", "before"),
        ("2020-05-01,x,2,0", "not a number"),
        ("2020-05-01,1e400,2,0", "not within"),
        ("2020-05-01,inf,2,0", "not within"),
        ("2020-05-01,1,212,0", "not within"),
        ("2020-05-01,1,2,-3", "not within"),
        ("2020-05-01,9,2,0", "above the maximum"),
        ("2020-05-01,1", "values"),
        ("2020-04-30,3,4,0", "there already, in line 2"),
    ],
)
def test_a_bad_row_is_left_out_with_its_line_number(row, why):
    found = parsed("2020-04-30,1,2,0", row, "2020-05-02,1,2,0")
    assert [d.day.day for d in found.days] == [30, 2]
    assert [error.line for error in found.errors] == [3]
    assert why in str(found.errors[0])


def test_an_empty_or_missing_value_is_unknown_and_not_zero():
    found = parsed("2020-05-01,,NA,-999")
    assert found.errors == []
    assert (found.days[0].tmin, found.days[0].tmax, found.days[0].rain) == (None, None, None)


def test_blank_lines_and_windows_endings_and_a_byte_order_mark_do_no_harm(tmp_path):
    path = tmp_path / "w.csv"
    path.write_bytes(
        b"\xef\xbb\xbf" + HEADING.encode() + b"2020-05-01,1,2,0\r\n\r\n2020-05-02,1,2,0\r\n"
    )
    assert len(weather.read(path, weather.CHAMPION).days) == 2


def test_units_are_converted_as_the_descriptor_says():
    series = weather.Series(
        key="f",
        name_zh="",
        name_en="",
        location=(0, 0),
        elevation_m=None,
        provenance=weather.CHAMPION.provenance,
        attribution="",
        columns={
            "tmin": weather.Column("MN", "[degF]"),
            "tmax": weather.Column("MX", "[degF]"),
            "rain": weather.Column("P", "[in_i]"),
        },
        day="D",
        day_format="%Y%m%d",
        delimiter=";",
    )
    found = weather.parse("D;MN;MX;P\n20200501;32;50;1\n", series)
    day = found.days[0]
    assert (day.tmin, day.tmax, day.rain) == (0.0, 10.0, 25.4)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no column"),
        (b"date,tmin_c\n2020-01-01,1\n", "no column tmax_c"),
        (b"\xff\xfe\x00d", "UTF-8"),
        (HEADING.encode() + b"2020-01-01,\x00,1,1\n", "NUL"),
        (HEADING.encode() + b"x,1,2,3\n", "no usable day; line 2"),
        (HEADING.encode(), "no usable day"),
    ],
)
def test_a_file_that_does_not_fit_changes_nothing(database, tmp_path, content, why):
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(Invalid, match=why):
        weather.import_file(database, path, weather.CHAMPION)
    with database.reading() as tx:
        assert store.stations(tx) == []


def test_a_missing_file_is_said_plainly(tmp_path):
    with pytest.raises(Invalid, match="cannot be read"):
        weather.read(tmp_path / "none.csv", weather.CHAMPION)


def test_importing_twice_replaces_and_keeps_one_station(database, tmp_path):
    path = tmp_path / "w.csv"
    path.write_text(HEADING + "2020-05-01,1,2,0\nbad\n2020-05-02,1,2,0\n")
    first = weather.import_file(database, path, weather.CHAMPION)
    assert (first.stored, [e.line for e in first.errors]) == (2, [3])
    path.write_text(HEADING + "2020-05-02,-5,2,7\n")
    second = weather.import_file(database, path, weather.CHAMPION)
    assert second.station == first.station
    with database.reading() as tx:
        days = store.days(tx, first.station.id, date(2020, 1, 1), date(2020, 12, 31))
    assert [(d.day.day, d.tmin, d.rain) for d in days] == [(1, 1.0, 0.0), (2, -5.0, 7.0)]
