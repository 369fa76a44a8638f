"""Pickles and checkpoints put together by hand, instruction by instruction.

Those that a library would not write, and those that a test names parts of.
"""

import io
import pickle
import struct
import zipfile

from safefakes_tf.importers import torch_files

FLOATS = bytes(range(16))  # a storage of four


def text(value):
    content = value.encode()
    return b"X" + struct.pack("<I", len(content)) + content


def whole(number):
    return pickle.dumps(number, 2)[2:-1]


def name(module, attribute):
    return f"c{module}\n{attribute}\n".encode()


def row(*values):
    return b"(" + b"".join(values) + b"t"


def mapping(**entries):
    return b"}(" + b"".join(text(k) + v for k, v in entries.items()) + b"u"


def call(function, *arguments):
    return function + row(*arguments) + b"R"


def storage(kind="FloatStorage", key="0", size=4):
    kind = name("torch", kind)
    return row(text("storage"), kind, text(key), text("cpu"), whole(size)) + b"Q"


def tensor(part, offset=0, shape=(4,), strides=(1,)):
    return call(
        name("torch._utils", "_rebuild_tensor_v2"),
        *(part, whole(offset), row(*map(whole, shape)), row(*map(whole, strides))),
        *(b"\x89", call(name("collections", "OrderedDict"))),
    )


def program(body):
    return b"\x80\x02" + body + b"."


def archive(body, members=None, method=zipfile.ZIP_STORED):
    """Return a file of PyTorch's zip format."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        file.writestr("archive/data.pkl", program(body))
        for key, content in (members or {"0": FLOATS}).items():
            file.writestr(f"archive/data/{key}", content)
    return buffer.getvalue()


def stream(body, storages=None):
    """Return a file of PyTorch's older format; storages are of four bytes a number."""
    storages = storages or ({"0": FLOATS} if text("0") in body else {})
    header = (torch_files.STREAM_MAGIC, torch_files.STREAM_VERSION)
    parts = [pickle.dumps(part, 2) for part in (*header, {"little_endian": True})]
    parts += [program(body), pickle.dumps(list(storages), 2)]
    for content in storages.values():
        parts += [struct.pack("<q", len(content) // 4), content]
    return b"".join(parts)


def edited_directory(content, member, offset, replacement):
    """Return an archive with a field of a member's entry in the directory changed."""
    place = content.index(member, content.index(b"PK\1\2")) - 46 + offset
    end = place + len(replacement)
    return content[:place] + replacement + content[end:]
