"""Files into the store: units, zones, missing values, bad rows, duplicates."""

import csv
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.errors import Invalid
from models.reading import Quality
from models.store.readings import DUPLICATE, REVISED, STORED
from tests.ingest.files.parts import LONG, WIDE


def at(*when):
    return datetime(*when, tzinfo=UTC)


def faults(report):
    return [(f.line, f.column, f.reason) for f in report.first]


def test_a_wide_file_in_declared_units_and_zone(desk):
    report = desk.take_in("time,t,w\n2026-05-01 08:00,9.5,23\n2026-05-01T09:00:00,10,NA\n",
                          WIDE.replace("[time]", 'missing = ["NA", -9999]\n[time]'))  # fmt: skip
    assert (report.rows, report.missing, report.bad_rows) == (2, 1, 0)
    assert desk.stored() == [
        ("probe-0", "soil_moisture_10", at(2026, 5, 1, 0), 0.23, 23.0),
        ("probe-0", "soil_temperature_10", at(2026, 5, 1, 0), 9.5, 9.5),
        ("probe-0", "soil_temperature_10", at(2026, 5, 1, 1), 10.0, 10.0),
    ]
    assert desk.account().stored == 3


def test_a_long_file_of_several_devices(desk):
    rows = "probe,time,what,value\nprobe-1,2026-05-01,T10,4\nprobe-0,2026-05-01,W10,20\n"
    desk.take_in(rows, LONG)
    assert desk.stored() == [
        ("probe-0", "soil_moisture_10", at(2026, 4, 30, 16), 0.2, 20.0),
        ("probe-1", "soil_temperature_10", at(2026, 4, 30, 16), 4.0, 4.0),
    ]


def test_bad_rows_are_reported_by_line_and_reason_and_stop_nothing(desk):
    rows = (
        "probe,time,what,value\n"
        "probe-0,2026-05-01 00:00,T10,1\n"
        "\n"
        "probe-0,2026-02-30 00:00,T10,2\n"
        "probe-0,2026-05-01 02:00,T10,warm\n"
        "probe-0,2026-05-01 03:00,T99,3\n"
        "probe-9,2026-05-01 04:00,T10,4\n"
        "probe-0,2026-05-01 05:00,T10\n"
        "probe-0,,T10,6\n"
        "probe-0,1999-12-31 23:00,T10,7\n"
        "probe-0,2031-05-01 08:00,T10,8\n"
        'probe-0,2026-05-01 09:00,T10,"9\n'
        "probe-0,2026-05-01 10:00,T10,1e400\n"
        ",,,\n"
        'probe-0,"2026-05-01 11:00",T10,11\n'
    )
    errors = desk.folder / "errors.csv"
    report = desk.take_in(rows, LONG, errors=errors)
    assert sorted(faults(report)) == [
        (4, "time", "wrong_shape"),
        (5, "value", "not_a_number"),
        (6, "what", "unknown_quantity"),
        (7, "value", "unknown_device"),
        (8, "", "wrong_shape"),
        (9, "time", "missing_time"),
        (10, "time", "impossible_time"),
        (11, "time", "impossible_time"),
        (12, "", "wrong_shape"),
        (13, "value", "not_a_number"),
    ]
    assert report.bad_rows == 10
    assert [row[3] for row in desk.stored()] == [1.0, 11.0]
    with errors.open(newline="", encoding="utf-8-sig") as file:
        told = list(csv.DictReader(file))
    assert [row["line"] for row in told] == [str(line) for line in range(4, 14)]
    assert told[1]["cell"] == "warm"
    assert desk.account().received == 2  # what was refused stays in the file


def test_a_cell_that_cannot_be_read_does_not_take_its_row_along(desk):
    report = desk.take_in("time,t,w\n2026-05-01 08:00,x,23\n")
    assert faults(report) == [(2, "t", "not_a_number")]
    assert [row[1] for row in desk.stored()] == ["soil_moisture_10"]


def test_the_same_file_twice_and_a_corrected_one(desk):
    rows = "time,t,w\n2026-05-01 08:00,1,20\n2026-05-01 09:00,2,21\n"
    first = desk.take_in(rows)
    again = desk.take_in(rows)
    corrected = desk.take_in(rows.replace(",2,", ",2.5,"))
    assert [first.total(o) for o in (STORED, DUPLICATE, REVISED)] == [4, 0, 0]
    assert [again.total(o) for o in (STORED, DUPLICATE, REVISED)] == [0, 4, 0]
    assert [corrected.total(o) for o in (STORED, DUPLICATE, REVISED)] == [0, 3, 1]
    assert [row[3] for row in desk.stored()] == [0.2, 0.21, 1.0, 2.5]
    totals = desk.account()
    assert (totals.received, totals.stored, totals.duplicate) == (12, 5, 7)


def test_a_dry_run_tells_the_same_as_the_import_and_changes_nothing(desk):
    desk.take_in("time,t,w\n2026-05-01 08:00,1,20\n2026-05-01 09:00,2,21\n")
    before = desk.stored(), desk.account()
    rows = (
        "time,t,w\n2026-05-01 08:00,1,22\n2026-05-01 11:00,3,y\n2026-05-01 11:00,3,24\n"
        "2026-05-01 11:00,4,24\n"
    )
    dry = desk.take_in(rows, dry=True)
    assert (desk.stored(), desk.account()) == before
    real = desk.take_in(rows)
    assert dry.outcomes == real.outcomes
    assert faults(dry) == faults(real) == [(3, "w", "not_a_number")]
    assert [real.total(o) for o in (STORED, DUPLICATE, REVISED)] == [2, 3, 2]


GBK = (
    WIDE.replace('"time"]', '"日期", "时刻"]')
    .replace('"t"', '"地温（℃）"')
    .replace('"w"', '"水分"')
    .replace("[time]", '[csv]\nencoding = "gbk"\ndelimiter = ";"\ndecimal = ","\nskip = 1\n[time]')
)


def test_a_spreadsheet_of_a_chinese_station(desk):
    head = '站点导出\r\n日期;时刻;"地温（℃）";水分;备注\r\n'
    rows = head + '2026-05-01;08:00;-3,25;"20,5";"晴；无雨"\r\n'
    report = desk.take_in(rows.encode("gbk"), GBK)
    assert report.bad_rows == 0
    assert report.unused == ["备注"]
    assert [(row[2], row[4]) for row in desk.stored()] == [
        (at(2026, 5, 1), 20.5),
        (at(2026, 5, 1), -3.25),
    ]
    wrong = desk.take_in(rows.encode("gbk") + b"2026-05-01;09:00;1;\xff\xff;x\r\n", GBK)
    assert [(f.line, f.reason) for f in wrong.first] == [(4, "unreadable")]


def test_a_byte_order_mark_is_no_part_of_the_first_name(desk):
    rows = "time,t,w\n2026-05-01 08:00,1,20\n".encode("utf-8-sig")
    assert desk.take_in(rows).total(STORED) == 2


@pytest.mark.parametrize(
    ("form", "cell", "read"),
    [
        ("%d.%m.%Y %H:%M", "01.05.2026 08:00", at(2026, 5, 1)),
        ("%Y/%m/%d %H:%M", "2026/5/1 8:00", at(2026, 5, 1)),
        ("rfc3339", "2026-05-01T08:00:00+09:00", at(2026, 4, 30, 23)),
        ("epoch_s", "1777593600", at(2026, 5, 1)),
        ("epoch_ms", "1777593600000", at(2026, 5, 1)),
    ],
)
def test_forms_of_time(desk, form, cell, read):
    told = WIDE.replace('zone = "Asia', f'format = "{form}"\nzone = "Asia')
    bad = {"%d": "30.02.2026 08:00", "%Y": "2026/02/30 8:00"}.get(form[:2], "yesterday")
    report = desk.take_in(f"time,t,w\n{cell},1,\n{bad},2,\n", told)
    assert [row[2] for row in desk.stored()] == [read]
    assert faults(report) == [(3, "time", "wrong_shape")]


PARTS = WIDE.replace('columns = ["time"]', 'parts = { year = "Y", doy = "D", hhmm = "HM" }')


def test_a_logger_that_counts_days_and_writes_24_00(desk):
    report = desk.take_in("Y,D,HM,t,w\n2026,121,800,1,\n2026,121,2400,2,\n2026,366,0,3,\n", PARTS)
    assert [row[2] for row in desk.stored()] == [at(2026, 5, 1), at(2026, 5, 1, 16)]
    assert [(f.line, f.reason) for f in report.first] == [(4, "impossible_time")]


SUMMER = WIDE.replace('zone = "Asia/Shanghai"', 'zone = "America/Los_Angeles"\nPOLICY')
NIGHT = (
    "time,t,w\n2025-11-02 00:30,0,\n2025-11-02 01:30,1,\n2025-11-02 01:30,2,\n2025-11-02 02:30,3,\n"
)


@pytest.mark.parametrize(
    ("policy", "hours"),
    [
        ('ambiguous = "order"', {7: 0.0, 8: 1.0, 9: 2.0, 10: 3.0}),
        ('ambiguous = "earlier"', {7: 0.0, 8: 2.0, 10: 3.0}),
        ('ambiguous = "later"', {7: 0.0, 9: 2.0, 10: 3.0}),
        ("", {7: 0.0, 10: 3.0}),
    ],
)
def test_the_hour_that_comes_twice(desk, policy, hours):
    report = desk.take_in(NIGHT, SUMMER.replace("POLICY", policy))
    assert {row[2].hour: row[3] for row in desk.stored()} == hours
    assert report.bad_rows == (0 if policy else 2)


@pytest.mark.parametrize(("policy", "hours"), [('nonexistent = "shift"', [10]), ("", [])])
def test_the_hour_that_summer_time_skips(desk, policy, hours):
    report = desk.take_in("time,t,w\n2026-03-08 02:30,1,\n", SUMMER.replace("POLICY", policy))
    assert [row[2].hour for row in desk.stored()] == hours
    assert report.bad_rows == 1 - len(hours)


def test_records_that_span_lines_keep_their_line_numbers(desk):
    told = WIDE.replace("[time]", "[csv]\nmultiline = true\n[time]")
    rows = 'time,t,w,note\n2026-05-01 08:00,1,,"a\nb"\n2026-05-01 09:00,x,,c\n'
    assert faults(desk.take_in(rows, told)) == [(4, "t", "not_a_number")]


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_parquet(desk, zone):
    local = [datetime(2026, 5, 1, 8), datetime(2026, 5, 1, 9), None]  # noqa: DTZ001
    times = pa.array(local, pa.timestamp("ms", tz=zone))
    table = pa.table(
        {"time": times, "t": [1.5, None, 3.0], "w": pa.array([20, 21, 22], pa.int16())}
    )
    path = desk.folder / "log.parquet"
    pq.write_table(table, path, row_group_size=1)
    report = desk.take_in(path)
    begin = 0 if zone is None else 8  # a wall clock of Shanghai, or instants
    assert [(row[2].hour, row[4]) for row in desk.stored()] == [
        (begin, 20.0),
        (begin + 1, 21.0),
        (begin, 1.5),
    ]
    assert (report.missing, faults(report)) == (1, [(3, "time", "missing_time")])


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (('zone = "Asia/Shanghai"', ""), "missing required field `zone`"),
        (('zone = "Asia/Shanghai"', 'zone = "Peking"'), "IANA"),
        (('unit = "%"', ""), "missing required field `unit`"),
        (('unit = "%"', 'unit = "g/g"'), "not a unit of soil_moisture"),
        (('column = "w"', 'name = "w"'), "takes 'column'"),
        (("[device]", "[device]\nkind = 1"), "unknown field `kind`"),
        (("[device]", '[position]\ndatum = "GCJ-02"\nlon = 1.0\nlat = 2.0\n[device]'), "GCJ-02"),
        (("[device]", '[csv]\nencoding = "utf-16"\n[device]'), "UTF-8"),
    ],
)
def test_what_a_mapping_must_declare(desk, change, complaint):
    with pytest.raises(Invalid) as caught:
        desk.mapping(WIDE.replace(*change))
    assert complaint in caught.value.message


def test_a_file_without_a_declared_column_is_refused(desk):
    with pytest.raises(Invalid, match="no column w; it has time, t"):
        desk.take_in("time,t\n")


def test_calibrations_by_valid_time_apply(desk):
    from models.store import calibrations, devices

    with desk.database.writing() as tx:
        stream = next(s.id for s in devices.datastreams(tx) if s.channel == "soil_temperature_10")
        calibrations.put(tx, datastream_id=stream, since=at(2026, 5, 1), bias=-1.0, by="test")
    desk.take_in("time,t,w\n2026-05-01 07:00,5,\n2026-05-01 08:00,5,\n")
    assert [row[3:] for row in desk.stored()] == [(5.0, 5.0), (4.0, 5.0)]


def test_values_are_flagged_as_those_of_messages_are(desk):
    desk.take_in("time,t,w\n2026-05-01 08:00,99,\n2026-05-01 09:00,5,\n")
    with desk.database.reading() as tx:
        flags = tx.driver.execute("SELECT quality FROM reading ORDER BY time").fetchall()
    assert flags == [(Quality.RANGE,), (Quality.GOOD,)]
