"""Opens zip archives whose members' sizes are checked before any of them is read."""

import io
import zipfile
from collections.abc import Collection

MAX_GB = 4.0  # of all arrays of a file
MAX_READ = 2**24  # bytes; a directory of so many names some 200,000 members
METHODS = {zipfile.ZIP_STORED: "stored", zipfile.ZIP_DEFLATED: "deflated"}


class BoundedFile(io.FileIO):
    """A file of which little is read at once, whatever its headers claim."""

    def read(self, size: int | None = -1) -> bytes:
        """Return up to `size` bytes, all by default; refuse more than `MAX_READ`."""
        unlimited = size is None or not 0 <= size <= MAX_READ
        content = super().read(MAX_READ + 1 if unlimited else size)
        if len(content) > MAX_READ:
            raise ValueError(f"it has a directory or header of over {MAX_READ:,} bytes")
        return content


def open_checked(
    file: io.BufferedIOBase | io.RawIOBase, max_gb: float, methods: Collection[int]
) -> zipfile.ZipFile:
    """Open an archive, and refuse one whose members would take too much memory.

    Args:
        file: of the archive, see `BoundedFile`.
        max_gb: what all members may have together, in 10**9 bytes.
        methods: of compression, keys of `METHODS`. Others are refused; LZMA's header
            says how much memory is taken to undo it.

    Raises:
        ValueError: if a member is compressed otherwise, or they are too large.
        zipfile.BadZipFile: if the file is no archive.
    """
    archive = zipfile.ZipFile(file)
    members = archive.infolist()
    if any(member.compress_type not in methods for member in members):
        expected = " or ".join(METHODS[method] for method in methods)
        raise ValueError(f"its members must be {expected}, not compressed otherwise")
    check_size(sum(member.file_size for member in members), max_gb)
    stored = [m for m in members if m.compress_type == zipfile.ZIP_STORED]
    if any(member.file_size != member.compress_size for member in stored):
        raise ValueError("a member's two sizes differ, though it is not compressed")
    available = file.seek(0, io.SEEK_END)
    if sum(member.compress_size for member in members) > available:
        raise ValueError("its members claim more bytes than the file has")
    return archive


def check_size(size: int, max_gb: float) -> None:
    """Raise a ValueError if so many bytes of arrays are more than are allowed."""
    if size > max_gb * 1e9:
        raise ValueError(f"its arrays take {size / 1e9:.3g} GB; max_gb is {max_gb:g}")
