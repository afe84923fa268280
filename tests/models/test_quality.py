from models.reading import BAD, QUALITY_LABELS, Quality


def test_every_flag_has_a_label_in_both_languages():
    assert set(QUALITY_LABELS) == set(Quality) - {Quality.GOOD}
    assert all(zh and en for zh, en in QUALITY_LABELS.values())


def test_flags_that_only_annotate_spoil_no_value():
    assert not BAD & (Quality.GAP | Quality.REVISED | Quality.CLOCK | Quality.ARRIVAL)
    assert BAD == 575  # the number that stands in the SQL of the rollups
