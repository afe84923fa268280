import pytest

from tests.ingest.files.parts import Desk


@pytest.fixture
def desk(province, tmp_path):
    """An import desk with one probe of two channels."""
    made = Desk(province, tmp_path)
    made.plant(2)
    return made
