"""Entries in files: what is written is read as the same again, and what is wrong is named by line and field."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from pydantic import ValidationError

from core.city import City
from core.sheets import BadSheet
from knowledge.content import Audience, Basis, Content, Entry, Matter, Place
from knowledge.files.fields import headings
from knowledge.files.kinds import Kind, read, write
from knowledge.files.records import read_json_lines, read_yaml

pytestmark = pytest.mark.unit

# Marks that files have their own use for, among ordinary ones.
MARKS = st.text(
    st.one_of(
        st.sampled_from("\\|｜《》（）()#-*'\"=+@＝,，；\n\r\t\x00\x85\u2028\ufeff _x0041 第条"),
        st.characters(codec="utf-8"),
    ),
    min_size=1,
    max_size=20,
)
DAYS = st.dates(date(2000, 1, 1), date(2100, 1, 1))
AREAS = st.sampled_from(["", "421202", "421202001"])


def made(kind: type, **fields: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Records of a kind; what it refuses is left out."""

    def build(said: dict[str, object]) -> object:
        try:
            return kind.model_validate(said)  # type: ignore[attr-defined]
        except ValidationError:
            return None

    return st.fixed_dictionaries(fields).map(build).filter(lambda record: record is not None)


def some(items: st.SearchStrategy[object]) -> st.SearchStrategy[Sequence[object]]:
    return st.lists(items, max_size=3)


PLACES = made(Place, name=MARKS, address=MARKS, phone=MARKS, hours=MARKS, area=AREAS)
BASES = made(Basis, law=MARKS, article=st.none() | MARKS, date=DAYS)
MATTERS = made(Matter, title=MARKS, entry=st.from_regex(r"[a-z|｜\\《]{1,9}", fullmatch=True))
CONTENTS = made(
    Content,
    question=MARKS,
    asked=some(MARKS),
    short=MARKS,
    answer=MARKS,
    steps=some(MARKS),
    documents=some(MARKS),
    fee=MARKS,
    time=MARKS,
    places=some(PLACES),
    basis=some(BASES),
    audience=st.sampled_from(Audience),
    area=AREAS,
    category=st.sampled_from(["", "01", "22"]),
    unit=MARKS,
    effective=st.none() | st.dates(date(2000, 1, 1), date(2010, 1, 1)),
    expires=st.none() | st.dates(date(2010, 1, 2), date(2100, 1, 1)),
    confirm=some(MARKS),
    matters=some(MATTERS),
)


def again(entries: Sequence[Entry], kind: Kind) -> list[tuple[str, Content]]:
    """The entries after they were written to a file and read from it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"entries.{kind}"
        write(path, kind, entries)
        taken = read(path.read_bytes(), kind)
    assert not taken.refused, taken.refused
    assert not taken.passed_over
    return taken.entries


@pytest.mark.parametrize("kind", Kind)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(content=CONTENTS)
@example(content=Content(question="'=1", answer="'a"))
@example(content=Content(question="_x0041_", answer="=1+1\n## 不是标题\n\\反斜杠"))
@example(
    content=Content(
        question="问", answer="答", asked=("- 一", "# 二"), basis=(Basis(law="《甲》乙》", date=date(2024, 1, 1)),)
    )
)
def test_what_was_exported_is_imported_as_it_was(kind: Kind, content: Content) -> None:
    entry = Entry("=a|b", 3, content)
    assert again([entry], kind) == [(entry.id, content)]


@pytest.mark.parametrize("kind", Kind)
def test_the_citys_own_entries_go_through_every_kind_of_file(kind: Kind, city: City) -> None:
    files = [city.folder / "knowledge" / name for name in ("employment.yml", "law.yml")]
    entries = [pair for file in files for pair in read_yaml(file).entries]
    assert again([Entry(entry_id, 1, content) for entry_id, content in entries], kind) == entries


def sheet(*rows: str, columns: str = "编号,标准问题,答复,类别,依据,生效,失效,对象,地点") -> bytes:
    return "\r\n".join([columns, *rows]).encode("gb18030")


def test_a_sheet_as_people_fill_it_in_is_understood() -> None:
    row = "a-1,怎么办？,去窗口办。,3,《某法》第三条(2024-1-5),2024/1/2,2025-01-02 00:00:00,企业,"
    row += '"政务大厅｜贺胜路1号\n分厅"'
    taken = read(sheet(row), Kind.CSV)
    [(entry_id, content)] = taken.entries
    assert entry_id == "a-1"
    assert (content.category, content.audience) == ("03", Audience.COMPANY)
    assert (content.effective, content.expires) == (date(2024, 1, 2), date(2025, 1, 2))
    assert content.source == "《某法》第三条（2024-01-05）"
    assert content.places == (Place(name="政务大厅", address="贺胜路1号"), Place(name="分厅"))


@pytest.mark.parametrize(
    ("row", "field", "value", "allowed"),
    [
        ("a b,问,答", "id", "a b", "不能有空格"),
        ("a-0,问,答", "id", "a-0", "不止一次"),
        ("a-1,,答", "标准问题", "", "不能为空"),
        ("a-1,问,答,x", "类别", "x", "pattern"),
        ("a-1,问,答,,某法", "依据", "某法", "《法律名称》"),
        ("a-1,问,答,,,明年", "生效", "明年", "2024-01-01"),
        ("a-1,问,答,,,2024-13-01", "生效", "2024-13-01", "month"),
        ("a-1,问,答,,,,,谁", "对象", "谁", "企业"),
        ("a-1,问,答,,,,,,| 路", "地点", "| 路", "地址"),
    ],
)
def test_a_row_that_cannot_be_taken_is_named_and_the_others_are_taken(
    row: str, field: str, value: str, allowed: str
) -> None:
    taken = read(sheet("a-0,问,答", row, "a-9,问,答"), Kind.CSV)
    assert [entry_id for entry_id, _ in taken.entries] == ["a-0", "a-9"]
    [fault] = taken.refused
    assert (fault.line, fault.field, fault.value) == (3, field, value)
    assert allowed in fault.allowed


def test_a_sheet_without_a_column_that_is_needed_is_refused_by_its_name() -> None:
    with pytest.raises(BadSheet, match="标准问题"):
        read(sheet("a-1,问", columns="编号,题目"), Kind.CSV)


def test_a_column_nobody_knows_is_told() -> None:
    assert read(sheet("a-1,问,答,x", columns="编号,标准问题,答复,颜色"), Kind.CSV).passed_over == {"颜色"}


def test_no_spreadsheet_program_runs_what_an_entry_says(tmp_path: Path) -> None:
    entry = Entry("a", 1, Content(question="=HYPERLINK(1)", answer="+1"))
    write(tmp_path / "a.xlsx", Kind.XLSX, [entry])
    cells = load_workbook(tmp_path / "a.xlsx").worksheets[0].iter_rows(min_row=2, values_only=True)
    assert list(next(cells))[:2] == ["a", "'=HYPERLINK(1)"]


def test_the_columns_are_those_the_city_was_promised() -> None:
    assert list(headings().values())[:4] == ["编号", "标准问题", "其他问法", "简短答复（电话）"]
    assert set(headings()) == {"id", *Content.model_fields}


def test_markdown_as_people_write_it_is_understood() -> None:
    text = "# 知识库\n\n## a-1 怎么办？\n### 其他问法\n* 咋办\n咋整\n\n### 答复\n第一段。\n\n第二段。\n### 心得\n略\n"
    taken = read(text.encode(), Kind.MARKDOWN)
    assert taken.entries == [
        ("a-1", Content(question="怎么办？", asked=("咋办", "咋整"), answer="第一段。\n\n第二段。"))
    ]
    assert taken.passed_over == {"心得"}


def test_markdown_that_begins_with_a_section_is_refused_by_its_line() -> None:
    [fault] = read("\n### 答复\n去窗口。\n".encode(), Kind.MARKDOWN).refused
    assert fault.line == 2


def test_json_lines_are_taken_leniently() -> None:
    lines = ['{"id":"a","answer":"去窗口办。","colour":1}', "", "[]", '{"id":"b"}', '{"id":"a","answer":"x"}']
    taken = read_json_lines(lines)
    assert taken.entries == [("a", Content(question="去窗口办。", answer="去窗口办。"))]
    assert taken.passed_over == {"colour"}
    assert [str(fault).split(":")[0] for fault in taken.refused] == ["line 3", "line 4", "line 5"]


def test_a_text_no_cell_holds_is_told_before_a_file_comes_out_short(tmp_path: Path) -> None:
    long = Content(
        question="问", answer="答", places=tuple(Place(name="地" * 500, address="址" * 200) for _ in range(60))
    )
    with pytest.raises(BadSheet, match="jsonl"):
        write(tmp_path / "a.csv", Kind.CSV, [Entry("a", 1, long)])
