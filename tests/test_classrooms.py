"""A teacher's classes and the letter box: what is kept, what is refused, how answers are counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from dhc.errors import RunError
from dhc.files import write
from dhc.teaching import classrooms, letterbox
from dhc.teaching.classrooms import Classroom, code_in
from dhc.teaching.letterbox import LetterBox

PLAN = Classroom(title="7b", lessons=("convolution",), language="ro")
HOSTILE = (
    "[]",
    "{",
    '{"classes": 3}',
    '{"classes": {"K7M2PX": {"title": 7, "lessons": ["../x"], "runs": ["../../etc"], "language": "xx", "begins_at": -1}}}',
    '{"classes": {"K7M2PX": {"language": [], "lessons": 3}}}',
    '{"classes": {"K7M2PX": {"lessons": {"convolution": 1}, "runs": {"a": 1}}, "../../a": {}, "k7m2px": {}}}',
)


def test_a_class_is_kept_changed_deleted_and_brought_back(tmp_path: Path) -> None:
    code = classrooms.add(tmp_path, PLAN)
    assert classrooms.read_classrooms(tmp_path) == {code: PLAN}
    classrooms.put(tmp_path, code, PLAN.model_copy(update={"title": "7c"}))
    assert classrooms.read_classrooms(tmp_path)[code].title == "7c"
    gone = classrooms.delete(tmp_path, code)
    assert gone is not None
    assert not classrooms.read_classrooms(tmp_path)
    classrooms.put(tmp_path, code, gone)
    assert list(classrooms.read_classrooms(tmp_path)) == [code]


def test_a_class_without_a_name_or_lessons_and_one_too_many_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="needs a name"):
        classrooms.add(tmp_path, Classroom(title=" \n", lessons=("convolution",)))
    with pytest.raises(RunError, match="needs a lesson"):
        classrooms.add(tmp_path, Classroom(title="7b", lessons=("no such lesson",)))
    codes = {classrooms.add(tmp_path, PLAN) for _ in range(classrooms.MOST)}
    assert len(codes) == classrooms.MOST
    with pytest.raises(RunError, match="delete one first"):
        classrooms.add(tmp_path, PLAN)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_file_that_anyone_may_have_written_gives_sound_classes_or_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "classes.json").write_text(text, encoding="utf-8")
    for code, room in classrooms.read_classrooms(tmp_path).items():
        assert code == "K7M2PX"
        assert room == Classroom() or set(room.lessons) == {"convolution"}


def test_a_file_that_cannot_be_read_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "classes.json").write_text("{", encoding="utf-8")
    with pytest.raises(RunError, match="cannot be read: remove or mend it"):
        classrooms.add(tmp_path, PLAN)
    assert (tmp_path / "classes.json").read_text(encoding="utf-8") == "{"


def test_a_change_leaves_what_another_tab_has_changed_and_brings_no_deleted_class_back(tmp_path: Path) -> None:
    code = classrooms.add(tmp_path, PLAN)
    classrooms.change(tmp_path, code, begins_at=70)
    classrooms.change(tmp_path, code, title="7c")
    room = classrooms.read_classrooms(tmp_path)[code]
    assert (room.title, room.begins_at, room.lessons) == ("7c", 70, PLAN.lessons)
    with pytest.raises(RunError, match="needs a name"):
        classrooms.change(tmp_path, code, title="")
    classrooms.delete(tmp_path, code)
    with pytest.raises(RunError, match="not here any more"):
        classrooms.change(tmp_path, code, title="7d")
    assert not classrooms.read_classrooms(tmp_path)


def test_no_class_is_brought_back_beyond_the_most_that_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classrooms, "MOST", 1)
    code = classrooms.add(tmp_path, PLAN)
    classrooms.delete(tmp_path, code)
    other = classrooms.add(tmp_path, PLAN)
    with pytest.raises(RunError, match="delete one first"):
        classrooms.put(tmp_path, code, PLAN)
    assert list(classrooms.read_classrooms(tmp_path)) == [other]


def test_a_code_is_read_as_people_type_it() -> None:
    assert code_in(" k7m 2px ") == code_in("K7M-2PX") == "K7M2PX"
    for text in ("", "K7M2P", "K7M2PXX", "../../", "K7M2P0", "Ä7M2PX"):
        assert code_in(text) == ""


def test_answers_are_counted_by_question_from_where_counting_began(tmp_path: Path) -> None:
    letterbox.open_box(tmp_path)
    for code, lesson, answer in (
        ("K7M2PX", "convolution", 17.0),
        ("K7M2PX", "convolution", 17.0),
        ("K7M2PX", "convolution", 3.5),
        ("AAAAAA", "convolution", 17.0),
        ("K7M2PX", "stride", 1.0),
    ):
        assert letterbox.post(code, lesson, answer)
    assert letterbox.counts(tmp_path, "K7M2PX", PLAN) == {"convolution": {17.0: 2, 3.5: 1}}
    later = PLAN.model_copy(update={"begins_at": letterbox.length(tmp_path)})
    assert letterbox.counts(tmp_path, "K7M2PX", later) == {"convolution": {}}
    assert letterbox.post("K7M2PX", "convolution", 1.0)
    assert letterbox.counts(tmp_path, "K7M2PX", later) == {"convolution": {1.0: 1}}
    letterbox.close_box()
    assert not letterbox.post("K7M2PX", "convolution", 1.0)


def test_the_letter_box_is_bounded_in_size_and_in_speed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    box = LetterBox(write.append(tmp_path / letterbox.FILE), lambda: now[0])
    assert sum(box.post("K7M2PX", "convolution", 1.0) for _ in range(letterbox.PER_SECOND + 10)) == letterbox.PER_SECOND
    now[0] = 1.5
    assert not box.post("K7M2PX", "x" * letterbox.LINE, 1.0)
    assert not box.post("K7M2PX", "convolution", float("nan"))
    assert not LetterBox().post("K7M2PX", "convolution", 1.0)
    monkeypatch.setattr(letterbox, "LIMIT", letterbox.length(tmp_path))
    assert not box.post("K7M2PX", "convolution", 1.0)
    box.close()


def test_lines_that_no_view_wrote_are_passed_over(tmp_path: Path) -> None:
    begin = '["K7M2PX","convolution",'
    lines = ["{", "[]", f"{begin}NaN]", f'{begin}"17"]', f"{begin}true]", f"{begin}2]", "\x00\xff"]
    lines += [f"{begin}{'9' * 400}]", "[" * 100_000, f"{begin}{'[' * 100_000}", *[""] * 1_000_000]
    (tmp_path / letterbox.FILE).write_bytes("\n".join(lines).encode("latin-1"))
    assert letterbox.counts(tmp_path, "K7M2PX", PLAN) == {"convolution": {2.0: 1}}


def test_answers_after_the_letter_box_was_emptied_count(tmp_path: Path) -> None:
    code = classrooms.add(tmp_path, PLAN)
    letterbox.open_box(tmp_path)
    for answer in (1.0, 2.0):
        letterbox.post(code, "convolution", answer)
    classrooms.change(tmp_path, code, begins_at=letterbox.length(tmp_path))
    old = classrooms.read_classrooms(tmp_path)[code]
    letterbox.empty(tmp_path)
    assert letterbox.length(tmp_path) == 0
    assert letterbox.post(code, "convolution", 17.0), "the view that has it open goes on"
    room = classrooms.read_classrooms(tmp_path)[code]
    assert letterbox.counts(tmp_path, code, room) == {"convolution": {17.0: 1}}
    assert letterbox.counts(tmp_path, code, old) == {"convolution": {17.0: 1}}, "by hand, too"
    letterbox.close_box()


def test_no_answer_is_said_to_be_counted_where_nobody_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = tmp_path / "not made yet"
    letterbox.open_box(runs)
    assert letterbox.is_open()
    assert letterbox.post("K7M2PX", "convolution", 1.0)
    (runs / letterbox.FILE).unlink()
    assert not letterbox.post("K7M2PX", "convolution", 1.0)
    letterbox.open_box(runs)
    write_whole = letterbox.os.write
    monkeypatch.setattr(letterbox.os, "write", lambda fd, line: write_whole(fd, line[:9]))
    assert not letterbox.post("K7M2PX", "convolution", 1.0), "as on a full disk"
    monkeypatch.undo()
    letterbox.open_box(runs)  # the view was started again, or is another one
    assert letterbox.post("K7M2PX", "convolution", 2.0)
    assert letterbox.counts(runs, "K7M2PX", PLAN) == {"convolution": {2.0: 1}}
    letterbox.close_box()
    (tmp_path / letterbox.FILE).symlink_to(runs / letterbox.FILE)
    letterbox.open_box(tmp_path)
    assert not letterbox.is_open()
    with pytest.raises(RunError, match="is not a regular file; remove that"):
        letterbox.counts(tmp_path, "K7M2PX", PLAN)
