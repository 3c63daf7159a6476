"""Which files of a batch are one recording."""

import zipfile

import pytest

from protoecg.batch.sources import open_recordings

FILES = {
    "long.hea": "long/3 2 100 1200\nlong_layout 0\none 600\ntwo 600\n",
    "long_layout.hea": "long_layout 2 100 0\n~ 0 1000(0)/mV 16 0 0 0 0 I\n",
    **{
        f"{name}.hea": f"{name} 2 100 600\n"
        + "".join(f"{name}.dat 16 1000(0)/mV 16 0 0 0 0 {lead}\n" for lead in ("I", "II"))
        for name in ("one", "two", "alone")
    },
    **dict.fromkeys(("one.dat", "two.dat", "alone.dat", "other.csv"), "0"),
}


@pytest.fixture(params=["folder", "archive"])
def ecgs(request, tmp_path):
    if request.param == "folder":
        (tmp_path / "ecgs").mkdir()
        for name, text in FILES.items():
            (tmp_path / "ecgs" / name).write_text(text)
        return tmp_path / "ecgs"
    with zipfile.ZipFile(tmp_path / "ecgs.zip", "w") as archive:
        for name, text in FILES.items():
            archive.writestr(name, text)
    return tmp_path / "ecgs.zip"


def test_segments_belong_to_the_record_that_joins_them(ecgs, tmp_path):
    found = {name: set(files) for name, files in open_recordings(str(ecgs), tmp_path).items()}
    assert set(found) == {"long.hea", "alone.hea", "other.csv"}
    assert found["long.hea"] >= {"long.hea", "one.hea", "one.dat", "two.hea", "two.dat"}
    assert found["alone.hea"] == {"alone.hea", "alone.dat"}
