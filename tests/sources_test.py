"""Every specification, section and file that the words of the project name is there."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
SPECS = ROOT / "docs" / "specs"
FOLDERS = ("safefakes_tf", "tfds_builders", "configs", "tools", "benchmarks", "tests")

NUMBER = r"\d+(?:\.\d+)*"
GAP = r"[\s#]+"  # also from one line of a comment to the next
# A specification, and after a comma its sections by number, or one by its title. Names
# in quotation marks are those of other files.
REFERENCE = re.compile(
    rf"""(?<![\w./`"'])(?P<name>\w+\.md)\b(?![`"'])"""
    rf"(?:,{GAP}(?:(?:sections?{GAP})?"
    rf"(?P<numbers>{NUMBER}(?:(?:,|{GAP}and|{GAP}to){GAP}{NUMBER})*)"
    rf"|(?P<title>\w[\w\s#]*)))?"
)
HEADING = re.compile(rf"^#+ (?:(?P<number>{NUMBER})\.? )?(?P<title>.+)$", re.MULTILINE)
FILE = re.compile(r"`((?:safefakes_tf|tfds_builders|tests)/[\w/]+\.py)`")


def sections(path):
    """Return the numbers and the titles, in small letters, of a specification."""
    headings = HEADING.finditer(path.read_text())
    return {part.lower() for heading in headings for part in heading.groups() if part}


KNOWN = {
    path.name: sections(path) for path in SPECS.glob("*.md") if path.name != "README.md"
}


def faults(text):
    """Yield the line of every reference that leads nowhere, and what is missing."""
    for found in REFERENCE.finditer(text):
        name, numbers, title = found.group("name", "numbers", "title")
        line = text.count("\n", 0, found.start()) + 1
        if name not in KNOWN:
            yield line, f"docs/specs/{name} does not exist"
            continue
        wanted = re.findall(NUMBER, numbers or "")
        if title:
            words = " ".join(re.split(GAP, title.lower()))
            titles = (known for known in KNOWN[name] if words.startswith(known))
            wanted.append(max(titles, key=len, default=words))
        for section in wanted:
            if section not in KNOWN[name]:
                yield line, f"{name} has no section {section!r}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Source: dsfd.md, section 9.2 A.", []),
        ("the details are those of\n    dsfd.md, sections 3\n    to 5.", []),
        ("# (deepprivacy.md, sections 9,\n# 13)", []),
        ("Source: conventional.md, policy per\n    face; see `study.md`.", []),
        ("Source: conventional.md; sigma = 0.8.", []),
        ("\nSource: dsfd.md, 9.9.", [(2, "dsfd.md has no section '9.9'")]),
        ("(dsfd.md, sections 3 and 99)", [(1, "dsfd.md has no section '99'")]),
        ("dsfd.md, conventions", [(1, "dsfd.md has no section 'conventions'")]),
        ("Source: yolo.md, section 1", [(1, "docs/specs/yolo.md does not exist")]),
    ],
)
def test_faults(text, expected):
    assert list(faults(text)) == expected


def test_every_section_named_in_the_code_exists():
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    paths.remove(pathlib.Path(__file__).resolve())  # names wrong ones on purpose
    assert not [
        f"{path.relative_to(ROOT)}:{line}: {fault}"
        for path in sorted(paths)
        for line, fault in faults(path.read_text())
    ]


def test_every_file_named_in_a_specification_exists():
    assert not [
        f"{path.relative_to(ROOT)}: {name} does not exist"
        for path in sorted(SPECS.glob("*.md"))
        for name in FILE.findall(path.read_text())
        if not (ROOT / name).is_file()
    ]


def test_the_index_lists_every_specification():
    index = (SPECS / "README.md").read_text()
    assert not [name for name in KNOWN if f"[{name}]({name})" not in index]
