from io import BytesIO

import pytest

from protoecg.storage.spreadsheet import read_csv


def test_cells_are_read_as_they_stand():
    table = read_csv(BytesIO("\ufeffcode,n\nNA,007\n,x\n".encode()))
    assert table.to_dict("list") == {"code": ["NA", ""], "n": ["007", "x"]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no CSV"),
        (b"\xff\xfe", "is no CSV"),
        (b'a,b\n"', "is no CSV"),
        (b"a,b\n1,2\n1,2,3\n", "is no CSV"),
        # Each row read one column to the left, if nothing were said.
        (b"a,b\n1,2,3\n1,2,3\n", "more cells than its heading"),
        (b"record,label\none,SR,\ntwo,AFIB,\n", "more cells than its heading"),
    ],
)
def test_what_is_no_table_is_refused_in_words_of_our_own(content, message):
    with pytest.raises(ValueError, match=message):
        read_csv(BytesIO(content))
