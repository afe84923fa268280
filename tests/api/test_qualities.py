from models.reading import BAD, Quality


def test_the_register_of_flags_names_each_in_both_languages(world):
    items = world.get("/v1/qualities").json()["items"]
    assert [item["bit"] for item in items] == [int(flag) for flag in Quality if flag]
    stuck = next(item for item in items if item["key"] == "STUCK")
    assert stuck == {
        "key": "STUCK",
        "bit": 4,
        "bad": True,
        "label": {"zh": "数值卡滞", "en": "Stuck value"},
    }
    assert sum(item["bit"] for item in items if item["bad"]) == BAD
