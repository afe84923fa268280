"""When a field speaks."""

import pytest

from analytics.remote.zonal import verdict


def test_under_thirty_percent_valid_is_null_not_low():
    assert verdict(0.1, valid=29.9, total=100, cloud=70).mean is None
    assert verdict(0.1, valid=30.0, total=100, cloud=70).mean == 0.1


def test_shares_and_counts():
    one = verdict(0.5, valid=75.4, total=100.2, cloud=20.04)
    assert (one.n_valid, one.n_total) == (75, 100)
    assert one.valid_share == pytest.approx(0.7525, abs=1e-4)
    assert one.cloud_share == pytest.approx(0.2)
    assert not one.is_whole


def test_no_mask_means_no_cloud_share():
    assert verdict(0.5, valid=100, total=100, cloud=None).cloud_share is None


def test_no_pixel_at_all():
    assert verdict(float("nan"), valid=0, total=0, cloud=0).mean is None


def test_rounding_of_coverage_does_not_make_a_field_partial():
    assert verdict(0.5, valid=99.9999, total=100, cloud=0).is_whole
