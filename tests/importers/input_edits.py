"""Files broken at random: by bytes, by lines, by values of JSON."""

import json

import mutations

RAW = "here comes what Python writes no JSON of"
ODD = (
    *(None, True, -1, 0, 1, 3, 0.5, 1e308, -(10**30), float("nan")),
    *("", "x" * 10_000, "\x1b[31m\n", "\ud800", "../outside", "/", "nul\0", "ü", "1"),
    *([], {}, [[]], {"": 0}, [None] * 1000, RAW),
)
# JSON that Python does not write.
RAWS = ("[" * 100_000, '{"a":' * 100_000, "[" * 900 + "]" * 900, "9" * 5000, "1e999")


def broken(draw, path):
    """Break a file."""
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        content = path.read_bytes()
        kinds = [_edit_bytes]
        if path.suffix in (".json", ".jsonl"):
            kinds += [edit_json] * 3
        if path.suffix in (".txt", ".csv", ".jsonl", ".yaml", ".xml"):
            kinds += [_edit_lines] * 3
        path.write_bytes(draw.choice(kinds)(draw, content))


def _edit_bytes(draw, content):
    if draw.random() < 0.1:
        return content[: draw.randrange(len(content) + 1)]
    return mutations.edit_bytes(draw, content)


def edit_json(draw, content):
    """Put something odd in the place of a value or a name of each line of JSON."""
    try:
        lines = [json.loads(line) for line in _documents(content)]
    except (ValueError, RecursionError):
        return _edit_bytes(draw, content)
    place = draw.randrange(len(lines))
    lines[place] = _odd_inside(draw, lines[place])
    text = "\n".join(map(json.dumps, lines))
    return text.replace(json.dumps(RAW), draw.choice(RAWS)).encode()


def _documents(content):
    """Return the lines of a journal, or a document of many lines as one."""
    lines = content.splitlines()
    return lines if len(lines) > 1 and lines[0].endswith(b"}") else [content]


def _odd_inside(draw, tree):
    if not isinstance(tree, dict | list) or not tree or draw.random() < 0.1:
        return draw.choice(ODD)
    if isinstance(tree, list):
        place = draw.randrange(len(tree))
        inner = _odd_inside(draw, tree[place])
        return draw.choice(([*tree[:place], inner, *tree[place + 1 :]], [inner, *tree]))
    name, tree = draw.choice(sorted(tree)), dict(tree)
    match draw.randrange(8):
        case 0:
            del tree[name]
        case 1:
            tree[f"{draw.choice(ODD)}"] = tree.pop(name)
        case _:
            tree[name] = _odd_inside(draw, tree[name])
    return tree


def _edit_lines(draw, content):
    """Take out, repeat or exchange lines, or put something odd for a word."""
    lines = content.splitlines(keepends=True) or [b""]
    place = draw.randrange(len(lines))
    match draw.randrange(5):
        case 0:
            del lines[place]
        case 1:
            lines[place:place] = lines[place : place + 1] * draw.choice((1, 3, 1000))
        case 2:
            draw.shuffle(lines)
        case _:
            lines[place] = _edit_word(draw, lines[place])
    return b"".join(lines)


def _edit_word(draw, line):
    separator = draw.choice((b",", b" ", b"=", b".", b":", b">", b"<"))
    words = line.split(separator)
    odd = draw.choice(ODD)
    word = "9" * 5000 if odd == RAW else str(odd)
    words[draw.randrange(len(words))] = word.encode("utf-8", "surrogatepass")
    return separator.join(words)
