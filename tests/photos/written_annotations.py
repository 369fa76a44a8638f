"""Writes one set of boxes in every format, each as its tools do."""

import json

SIZE = (320, 240)  # of every photo, width and height
BOXES = {  # photo -> x y width height in pixels
    "a/one.jpg": [(10, 20, 30, 40), (150, 60, 81, 33), (-5, 100, 20, 50)],
    "two.png": [(200, 7, 64, 128)],
    "three.png": [],
}


def coco():
    """Return COCO JSON, of two categories that nobody needs to choose from."""
    images = [
        {"id": number, "file_name": name, "width": SIZE[0], "height": SIZE[1]}
        for number, name in enumerate(BOXES)
    ]
    annotations = [
        {"id": 100 * image["id"] + n, "image_id": image["id"], "bbox": list(box)}
        | {"category_id": 1}
        for image in images
        for n, box in enumerate(BOXES[image["file_name"]])
    ]
    categories = [{"id": 1, "name": "face"}, {"id": 2, "name": "head"}]
    return json.dumps(
        {"images": images, "annotations": annotations, "categories": categories}
    )


def table():
    """Return CSV."""
    rows = [
        f"{name},{','.join(map(str, box))}"
        for name, boxes in BOXES.items()
        for box in boxes or [("", "", "", "")]
    ]
    return "\n".join(["filename,x,y,width,height", *rows])


def wider():
    """Return WIDER FACE's text."""
    lines = []
    for name, boxes in BOXES.items():
        lines += [name, str(len(boxes))]
        rows = boxes or [(0, 0, 0, 0)]
        lines += [" ".join(map(str, (*box, 0, 0, 0, 0, 0, 0))) + " " for box in rows]
    return "\n".join(lines)


def label_studio():
    """Return Label Studio's JSON; photos were uploaded, percents have few digits."""
    width, height = SIZE
    return json.dumps(
        [
            {
                "id": number,
                "data": {"image": f"/data/upload/4/0123abcd-{name.split('/')[-1]}"},
                "annotations": [
                    {
                        "result": [
                            {
                                "id": f"r{n}",
                                "type": "rectanglelabels",
                                "original_width": width,
                                "original_height": height,
                                "value": {
                                    "x": round(100 * x / width, 8),
                                    "y": round(100 * y / height, 8),
                                    "width": round(100 * w / width, 8),
                                    "height": round(100 * h / height, 8),
                                    "rotation": 0,
                                    "rectanglelabels": ["face"],
                                },
                            }
                            for n, (x, y, w, h) in enumerate(boxes)
                        ]
                    }
                ],
            }
            for number, (name, boxes) in enumerate(BOXES.items())
        ]
    )


def yolo():
    """Return the files of a folder of labels, with six digits."""
    width, height = SIZE
    files = {"data.yaml": "nc: 1\nnames:\n  0: face\n"}
    for name, boxes in BOXES.items():
        rows = [
            f"0 {(x + w / 2) / width:.6f} {(y + h / 2) / height:.6f} "
            f"{w / width:.6f} {h / height:.6f}"
            for x, y, w, h in boxes
        ]
        files[f"{name.rsplit('.', 1)[0]}.txt"] = "\n".join(rows)
    return files


def voc():
    """Return the files of a folder of XML."""
    width, height = SIZE
    files = {}
    for name, boxes in BOXES.items():
        objects = "".join(
            f"<object><name>face</name><bndbox><xmin>{x}</xmin><ymin>{y}</ymin>"
            f"<xmax>{x + w}</xmax><ymax>{y + h}</ymax></bndbox></object>"
            for x, y, w, h in boxes
        )
        files[f"{name.rsplit('.', 1)[0]}.xml"] = (
            f"<annotation><filename>{name.split('/')[-1]}</filename><size>"
            f"<width>{width}</width><height>{height}</height><depth>3</depth></size>"
            f"{objects}</annotation>"
        )
    return files


# A name without its usual suffix where the content must tell.
FORMATS = {
    "coco": ("boxes.json", coco),
    "csv": ("table.txt", table),
    "wider": ("boxes.txt", wider),
    "label_studio": ("export.json", label_studio),
    "yolo": ("labels", yolo),
    "voc": ("Annotations", voc),
}


def write(folder, form):
    """Write a format into a folder, and return the path for --annotations."""
    name, make = FORMATS[form]
    path, content = folder / name, make()
    if isinstance(content, str):
        path.write_text(content)
        return path
    for file, text in content.items():
        (path / file).parent.mkdir(parents=True, exist_ok=True)
        (path / file).write_text(text)
    return path
