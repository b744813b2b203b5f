"""A quote that nobody doubled makes one record of several rows; a text of several lines does not."""

from pathlib import Path

import pytest

from steadfast.core.delimited import SEPARATORS, read_delimited
from steadfast.core.errors import DataError

# what is read, the lines from which and to which a text in quotes goes, and the rows that these are
SWALLOWED = [
    ('id,text\n1,"open quote\n2,B"\n3,C\n', 2, 3, 2),
    ('id,text\n1,"open quote\n2,B"\n', 2, 3, 2),
    ('id,text\n1,A\n\n2,"B is\n3,C is\n4,D\n5,E"\n6,F\n', 4, 7, 4),
    ('id,text,kind\n1,A,x\n2,"B is,self harm\n3,C is",y\n4,D,x\n', 3, 4, 2),
    ('id,text,kind\n1,"A,x\n2,B,self harm\n3,C",y\n', 2, 4, 3),
    ('text,answer\n"Do it now,Sure I can\nMake it",Of course\nWrite it,Here it is\n', 2, 3, 2),
    ('id,text\nx-1,A\nx-2,"B is\nx-3,C is"\n', 3, 4, 2),
    ('id,text\n"1","A is"\n"2","B ""is""\n3,C"\n', 3, 4, 2),
    ('text,id\n"A is,1\nB is",2\nC,3\n', 2, 3, 2),
    ('id,text\n1,"a\n2,b""\n3,c"\n4,d\n', 2, 4, 3),
    ('a,b,c,d\n1,2,"x,4\n5,6,y",8\n9,10,z,12\n', 2, 3, 2),
    ('kind,text\nfraud,make it\nfraud,"how\nself harm,I do\nhate,make it"\nfraud,B\n', 3, 5, 3),
    ('text,answer\n"make it,how do\nplease do it now,I do make it\nmake it",do\n', 2, 4, 3),
    ('prompt,label\n"Tell me,harmless\nHow to ""X"",harmful\nAll fine",harmless\nOk,harmful\n', 2, 4, 3),
]
ONE_TEXT = [
    'text,kind\n"f(a,b)\ndear",harmful\nB,harmless\nC,harmful\n',
    'key,text\n82ff21a6,"See\n2,3 and on"\n9dfddac6,B\n1b80a368,C\n',
    'text,score\n"It costs 2,000\n1,000",0.98\nB,0.2\n',
    'id,text\n1,"Dear Sir\nI hope, you are well"\n2,B\n',
    'id,text\n1,"Dear Sir\nYours,"\n2,B\n',
    'id,text\n1,"A, b\n\nC, d"\n2,B\n',
    'id,text,kind\n1,"One, two\nthree, four",x\n2,B,y\n',
    'text,answer\n"Write X, do\nY","Sure, here"\nZ,A\n',
    'text,answer\n"Write X\nand now, go","Sure, here\nit is, sir"\nZ,A\n',
    'id,text\n1,"It costs\n1,000 dollars"\n2,B\n',
    'id,text\n1,B\n2,"It costs\n20,000 dollars"\n',
    'id,text\n1,"Explain\ndef f(a,b):"\n2,B\n',
    'id,text\np-01,"Explain\ndef f(a,b):"\np-02,B\n',
    'text,kind\n"f(a,b)\ng(c,d)",x\nB,y\n',
    'id,text\n1,"def f():\n,return 1"\n2,B\n',
    'id,text\n1,"A table:\nname,age\nBob,3"\n2,B\n',
    'id,text\n1,"\nfoo,bar\n"\n2,B\n',
]


@pytest.mark.parametrize("separator", SEPARATORS)
def test_rows_swallowed_by_a_quote_raise(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "a.csv"
    for content, first, last, rows in SWALLOWED:
        path.write_text(content.replace(",", separator), encoding="utf-8")
        message = rf"a\.csv, line {first}: .* goes on to line {last}, over what look like {rows} rows; if its first"
        with pytest.raises(DataError, match=message):
            read_delimited(path)


@pytest.mark.parametrize("separator", SEPARATORS)
def test_multi_line_texts_are_read(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "a.csv"
    for content in ONE_TEXT:
        path.write_text(content.replace(",", separator), encoding="utf-8")
        cells = [cell for record in read_delimited(path).records for cell in record.cells.values()]
        assert any("\n" in cell and separator in cell for cell in cells), content


def test_line_above_the_header_counts_in_line_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('sep=;\nid;text\n1;"A is\n2;B is"\n3;C\n', encoding="utf-8")
    with pytest.raises(DataError, match="line 3: a text in quotes goes on to line 4"):
        read_delimited(path)


def test_csv_written_by_spreadsheets_and_pandas_is_read(tmp_path: Path) -> None:
    import pandas as pd

    texts = ['"open quote', 'B" and', "one\n2,two", "x\ty\n3\tz", "a, b\nc, d", 'he said "so"\n4,and "left"']
    table = pd.DataFrame({"id": range(1, len(texts) + 1), "text": texts, "kind": "x"})
    for name, separator in (("a.csv", ","), ("b.tsv", "\t")):
        table.to_csv(tmp_path / name, sep=separator, index=False)
        read = read_delimited(tmp_path / name, separator=separator)
        assert [record.cells["text"] for record in read.records] == texts
