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
    page = Reader(review.page([SURE, EMPTY, UNSURE], certain=0.5))
    sources = [urllib.parse.unquote(image["src"]) for image in page.of("img")]
    assert sources == [UNSURE.filename, EMPTY.filename, SURE.filename]
    assert all(":" not in image["src"] for image in page.of("img"))  # no address
    assert not page.of("script")
    assert EMPTY.filename in page.text
    assert f"{UNSURE.filename}: 0.80, 0.30" in page.text
    kinds = [box.get("class") for box in page.of("i")]
    assert kinds == [None, "uncertain", None]
    assert page.of("i")[2]["style"] == (
        "left:10.000%;top:10.000%;width:25.000%;height:40.000%"
    )


def test_the_summary_names_photos_to_look_at():
    said = review.summary([SURE, EMPTY, UNSURE], certain=0.5)
    assert said.splitlines() == [
        "found:  3 faces, 1 of them uncertain",
        f"        uncertain faces: {UNSURE.filename}",
        f"        no face, or one was missed: {EMPTY.filename}",
    ]
    many = [EMPTY._replace(filename=f"{number}.jpg") for number in range(12)]
    assert review.summary(many, 0.5).endswith("8.jpg, 9.jpg and 2 more")
    assert review.summary([SURE], 0.5) == "found:  1 faces, 0 of them uncertain"


def test_names_that_are_not_unicode_are_shown():
    photo = SURE._replace(filename=b"\xff.jpg".decode(errors="surrogateescape"))
    page = Reader(review.page([photo], 0.5))
    assert page.of("img")[0]["src"] == "%FF.jpg"
    assert "?.jpg" in review.summary([photo], 0.99)
