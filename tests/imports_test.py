"""Who may import whom, read from the source with `ast`."""

import ast
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[1]
MAX_LINES = 400

# Part of the code -> the parts it may import; a part may always import itself.
SHARED = {"ops", "boxes", "faces", "config", "atomic", "printing"}
ALLOWED = {
    "main": {
        *("runs", "configs", "config", "mistakes", "own_folders", "printing"),
        "workdir",
    },
    "configs": {"config"},
    "runs": {
        *SHARED,
        *("anonymized_folder", "finished", "own_folders", "own_inputs", "own_photos"),
        "review",
        *("anonymizers", "arithmetic", "contact_sheet", "detectors", "evaluation"),
        *("export", "importers", "keypoints", "mistakes", "photos", "pipeline"),
        *(
            "precision",
            "provenance",
            "report",
            "similarity",
            "tfds_builders",
            "training",
        ),
        *("unfinished", "workdir"),
    },
    "tfds_builders": {
        *SHARED,
        *("anonymizers", "detectors", "importers", "keypoints", "locks", "mistakes"),
        *("photos", "pipeline", "provenance", "training", "unfinished"),
    },
    "pipeline": {*SHARED, "anonymizers", "keypoints", "photos", "provenance"},
    "provenance": {*SHARED, "anonymizers", "arithmetic"},
    "anonymized_folder": {
        *SHARED,
        *("anonymizers", "detectors", "own_folders", "photos", "provenance", "review"),
    },
    "own_folders": {"config", "photos", "unfinished"},
    "finished": {"own_folders", "photos", "unfinished"},
    "own_inputs": {"config", "own_folders", "photos", "unfinished"},
    "own_photos": {
        *SHARED,
        *("anonymized_folder", "anonymizers", "detectors", "keypoints", "photos"),
        *("finished", "unfinished"),
    },
    "review": {"photos"},
    "export": {*SHARED, "anonymizers", "detectors", "frozen", "photos"},
    "anonymizers": {*SHARED, "frozen", "keypoints", "training", "importers"},
    "detectors": {
        *SHARED,
        *("arithmetic", "cached_files", "frozen", "importers", "keypoints"),
        *("training", "weight_files", "workdir"),
    },
    "evaluation": {
        *SHARED,
        *("detectors", "importers", "photos", "weight_files", "workdir"),
    },
    "similarity": {*SHARED, "evaluation", "tfds_builders"},
    "training": {*SHARED, "contact_sheet", "workdir"},
    "importers": {"config", "printing"},
    "photos": {"ops", "boxes", "faces", "atomic", "printing"},
    "keypoints": {"ops", "boxes", "faces", "photos", "cached_files"},
    "cached_files": set(),
    "frozen": set(),
    "weight_files": {"cached_files"},
    "locks": {"atomic", "printing"},
    "mistakes": {"printing"},
    "printing": set(),
    "unfinished": {"atomic", "locks"},
    "workdir": {"config", "atomic", "locks"},
    "report": {"boxes", "atomic", "evaluation"},
    "contact_sheet": set(),
    "faces": set(),
    "boxes": set(),
    "ops": set(),
    "arithmetic": set(),
    "precision": {"arithmetic"},
    "atomic": set(),
    "config": set(),
}


def sources():
    """Yield path and dotted name of every module of the product."""
    for folder in ("safefakes_tf", "tfds_builders", "configs"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not path.name.endswith(("_test.py", "conftest.py")):
                yield path, ".".join(path.relative_to(ROOT).with_suffix("").parts)
    yield ROOT / "main.py", "main"


NAMES = {name.removesuffix(".__init__") for _, name in sources()}


def imported(path):
    """Yield the dotted names of the modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 or path.parent.name == "configs", path
            for alias in node.names:
                full = f"{node.module or 'configs'}.{alias.name}"
                yield full if full in NAMES else node.module


def edges():
    """Yield (module, imported module) inside the product."""
    for path, name in sources():
        for other in imported(path):
            if other in NAMES:
                yield name.removesuffix(".__init__"), other


def part_of(name):
    """`safefakes_tf.ops.regions` -> `ops`; the package itself -> None."""
    first, *others = name.split(".")
    return first if first != "safefakes_tf" else (others or [None])[0]


def circles(graph):
    """Return the nodes that lie on circles of a graph of node -> nodes."""
    reach = {node: set(others) for node, others in graph.items()}
    for middle in graph:
        for node in graph:
            if middle in reach[node]:
                reach[node] |= reach[middle]
    return sorted(node for node in graph if node in reach[node])


def test_imports_follow_the_layers():
    wrong = [
        f"{name} imports {other}"
        for name, other in edges()
        if None not in (part_of(name), part_of(other))
        and part_of(other) not in ALLOWED[part_of(name)] | {part_of(name)}
    ]
    assert not wrong, "\n".join(wrong)


def test_no_file_imports_itself_by_way_of_others():
    graph = {name: set() for name in NAMES}
    for name, other in edges():
        graph[name].add(other)
    assert circles(graph) == []


def test_no_folder_imports_itself_by_way_of_others():
    def folder_of(name):
        names = name.split(".")
        # A file directly in the package is a part of its own.
        return ".".join(names[: max(len(names) - 1, 2)])

    graph = {folder_of(name): set() for name in NAMES}
    for name, other in edges():
        if folder_of(name) != folder_of(other):
            graph[folder_of(name)].add(folder_of(other))
    assert circles(graph) == []


def test_no_run_imports_another():
    runs = "safefakes_tf.runs."
    wrong = [
        f"{name} imports {other}"
        for name, other in edges()
        if name.startswith(runs) and other.startswith(runs)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_method_imports_another():
    methods = {"sun2018", "deepprivacy", "ciagan", "dsfd"}
    wrong = [
        f"{name} imports {other}"
        for name, other in edges()
        if methods & set(other.split("."))
        and methods & set(name.split("."))
        and methods & set(name.split(".")) != methods & set(other.split("."))
    ]
    assert not wrong, "\n".join(wrong)


def test_only_main_reads_flags():
    parsers = {"argparse", "absl.flags", "absl.app"}
    users = [name for path, name in sources() if parsers & set(imported(path))]
    assert users == ["main"]


def test_photos_are_checked_before_tensorflow_is_loaded():
    graph = {name: set() for name in NAMES}
    for name, other in edges():
        graph[name].add(other)
    first = waiting = {"safefakes_tf.own_inputs", "safefakes_tf.own_folders"}
    while waiting:
        waiting = set().union(*(graph[name] for name in waiting)) - first
        first = first | waiting
    slow = {"tensorflow", "keras", "tensorflow_datasets"}
    wrong = [
        f"{name} imports {other}"
        for path, name in sources()
        if name.removesuffix(".__init__") in first
        for other in imported(path)
        if other.split(".")[0] in slow
    ]
    assert not wrong, "\n".join(wrong)


def test_mediapipe_is_imported_in_one_file_only():
    users = [
        path.name
        for path, _ in sources()
        if any(name.split(".")[0] == "mediapipe" for name in imported(path))
    ]
    assert users == ["mediapipe.py"]


def test_files_are_short():
    lengths = sorted(len(path.read_text().splitlines()) for path, _ in sources())
    assert lengths[-1] <= MAX_LINES
    assert lengths[len(lengths) // 2] < 150
