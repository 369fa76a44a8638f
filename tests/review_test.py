import html.parser
import urllib.parse

from safefakes_tf import review
from safefakes_tf.photos.box_files.found import FoundPhoto

SURE = FoundPhoto("sure.jpg", (200, 100), [[20, 10, 50, 40]], [0.9])
EMPTY = FoundPhoto('"><script>alert(1)</script>&.jpg', (10, 10), [], [])
UNSURE = FoundPhoto(
    "a/100% sure? #1:ü.jpg", (100, 100), [[0, 0, 9, 9], [50, 50, 25, 25]], [0.8, 0.3]
)


class Reader(html.parser.HTMLParser):
    """Notes the tags of a page with their attributes, and its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def of(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_page_begins_with_what_to_look_at_and_escapes_names():
    command = "main.py --annotations='a & <b>'"
    page = Reader(review.page([SURE, EMPTY, UNSURE], 0.5, command))
    sources = [urllib.parse.unquote(image["src"]) for image in page.of("img")]
    assert sources == [UNSURE.filename, EMPTY.filename, SURE.filename]
    assert all(":" not in image["src"] for image in page.of("img"))  # no address
    assert not page.of("script")
    assert EMPTY.filename in page.text
    assert command in page.text
    assert f"{UNSURE.filename}: 2: 0.80, 3: 0.30" in page.text
    assert "the ids in boxes.json" in page.text
    kinds = [box.get("class") for box in page.of("i")]
    assert kinds == [None, "uncertain", None]
    assert page.of("i")[2]["style"] == (
        "left:10.000%;top:10.000%;width:25.000%;height:40.000%"
    )


def test_the_summary_names_photos_to_look_at():
    said = review.summary([SURE, EMPTY, UNSURE], certain=0.5)
    assert said.splitlines() == [
        "found:  3 boxes, 1 of them uncertain: many of those are no faces",
        f"        photos with uncertain faces: {UNSURE.filename}",
        f"        no face, or one was missed: {EMPTY.filename}",
    ]
    many = [EMPTY._replace(filename=f"{number}.jpg") for number in range(12)]
    assert review.summary(many, 0.5).endswith("8.jpg, 9.jpg and 2 more")
    assert review.summary([SURE], 0.5) == "found:  1 boxes, 0 of them uncertain"


def test_boxes_have_numbers_and_of_many_the_caption_tells_the_range():
    scores = [0.9, *[0.2] * 12]
    many = FoundPhoto("many.jpg", (100, 100), [[0, 0, 9, 9]] * 13, scores)
    page = review.page([SURE, many], 0.5, "")
    assert "many.jpg: 13 boxes, 2 to 14, scores 0.20 to 0.90<" in page
    assert page.index("<b>2</b>") < page.index("<b>14</b>") < page.index("<b>1</b>")
    assert 'title="14: 0.20"' in page


def test_annotated_photos_have_no_scores_and_come_behind_those_without_a_box():
    annotated = [photo._replace(scores=None) for photo in (SURE, EMPTY, UNSURE)]
    page = Reader(review.page(annotated, 0.5, ""))
    sources = [urllib.parse.unquote(image["src"]) for image in page.of("img")]
    assert sources == [EMPTY.filename, SURE.filename, UNSURE.filename]
    assert f"{UNSURE.filename}: 2, 3" in page.text
    assert "uncertain" not in [box.get("class") for box in page.of("i")]
    assert "boxes.json" not in page.text
    assert "Uncertain" not in page.text


def test_names_that_are_not_unicode_are_shown():
    photo = SURE._replace(filename=b"\xff.jpg".decode(errors="surrogateescape"))
    page = Reader(review.page([photo], 0.5, ""))
    assert page.of("img")[0]["src"] == "%FF.jpg"
    assert "?.jpg" in review.summary([photo], 0.99)


def test_no_name_commands_the_terminal():
    photo = SURE._replace(filename="\x1b[2J\x07ü.jpg")
    assert r"\x1b[2J\x07ü.jpg" in review.summary([photo], 0.99)
