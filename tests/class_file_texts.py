"""One small class file of each format."""

from __future__ import annotations

from converter.classes.class_map import ClassMap
from converter.classes.find import FoundClasses

CVAT = "# label:color_rgb:parts:actions\nbackground:0,0,0::\nroad:128,64,128::\ncar:64,0,128:door,wheel:stop\n"
CLASS_DICT = "name,r,g,b\nAnimal,64,128,64\nVoid,0,0,0\n"
ROBOFLOW = "Pixel Value, Class\n0, background\n1, cat\n2, ignore\n"
LABEL_COLORS = "64 128 64\tAnimal\n192 0 128\tArch way\n0 0 0 Void\n"
CLASS_NAMES = "_background_\ncat\ndog\n"
COCO_STUFF = "0: unlabeled\n1: person\n2: bicycle\n182: wood\n"
OBJECT_INFO = "Idx\tRatio\tTrain\tVal\tName\n1\t0.15\t11664\t1172\twall\n2 \t0.1\t6046\t612\tbuilding, edifice \n"
QGIS = "1 255 0 0 255 building\n2 0 200 0 255 low, vegetation\n7 128 128 128 0 rock\n"
YAML = "path: ../x\nmasks_dir: masks\nnames:\n  0: road\n  1: 'a #1'  # a comment\nnc: 2\n"
DATUMARO = '{"label_map": {"0": "bg", "1": "cat"}, "segmentation_colors": [[0, 0, 0], [1, 2, 3]]}'
SUPERVISELY = '{"kiwi": [1, 1, 1], "lemon": [2, 2, 2]}'

HASTY = """[{"png_index": 2, "class_name": "dog", "color": "#4df3ceff", "class_type": "object"},
 {"png_index": 1, "class_name": "cat", "color": "#ff0000"}]"""

NNUNET = '{"channel_names": {"0": "R"}, "labels": {"road": 1, "background": 0, "ignore": 2}, "numTraining": 3}'
BACKGROUND_NOTE = "value 0, where nothing is drawn, is the class 'background'"
VOID_NOTE = "class 'Void' is kept as a class; call it ignore in a classes.csv to leave it out"

ID_TABLE = "id,name,color\n0,bg,x\n2,dog,x\n1,cat,x\n"
ID2LABEL = '{"0": "bg", "1": "cat", "10": "dog"}'
LABEL_MAP = """# a label map
item {
  id: 2
  name: '/m/01yrx'
  display_name: "cat"
  keypoints { id: 7 label: "nose" }
}
item { name: 'dog', id: 1 }
"""
MAPILLARY = """{"labels": [
 {"color": [165, 42, 42], "instances": true, "readable": "Bird", "name": "animal--bird", "evaluate": true},
 {"color": [0, 0, 0], "instances": false, "readable": "Unlabeled", "name": "void--unlabeled", "evaluate": false}]}"""
NUMBERED_COLORS = "0 bg 0 0 0\n14\trock-bed 102 102 0\n7: log 2 #00FF00\n"
COLOR_AFTER_NAME = "bg 0 0 0\nlow vegetation: (0, 255, 0)\ncar\t#FF0000\n"
THREE = ClassMap(("bg", "cat", "dog"), {0: 0, 1: 1, 2: 2}, {}, {})

FORMATS = {
    "native": (
        "name,value\na,1\nignore,255\n",
        FoundClasses(ClassMap(("a",), {1: 0, 255: 255}, {}, {}), "", "classes.csv"),
    ),
    "cvat": (
        CVAT,
        FoundClasses(
            ClassMap(("background", "road", "car"), {}, {(0, 0, 0): 0, (128, 64, 128): 1, (64, 0, 128): 2}, {}),
            "",
            "CVAT labelmap.txt",
        ),
    ),
    "cvat without colours": (
        "background:::\nroad:::\ncar:::\n",
        FoundClasses(
            ClassMap(("background", "road", "car"), {0: 0, 1: 1, 2: 2}, {(128, 0, 0): 1, (0, 128, 0): 2}, {}),
            "",
            "CVAT labelmap.txt",
        ),
    ),
    "class_dict": (
        CLASS_DICT,
        FoundClasses(
            ClassMap(("Animal", "Void"), {}, {(64, 128, 64): 0, (0, 0, 0): 1}, {}), "", "class_dict.csv", (VOID_NOTE,)
        ),
    ),
    "roboflow": (
        ROBOFLOW,
        FoundClasses(ClassMap(("background", "cat"), {0: 0, 1: 1, 2: 255}, {}, {}), "", "Roboflow _classes.csv"),
    ),
    "label_colors": (
        LABEL_COLORS,
        FoundClasses(
            ClassMap(("Animal", "Arch way", "Void"), {}, {(64, 128, 64): 0, (192, 0, 128): 1, (0, 0, 0): 2}, {}),
            "",
            "label_colors.txt",
            (VOID_NOTE,),
        ),
    ),
    "class_names": (
        CLASS_NAMES,
        FoundClasses(
            ClassMap(
                ("_background_", "cat", "dog"), {0: 0, 1: 1, 2: 2, 255: 255}, {(128, 0, 0): 1, (0, 128, 0): 2}, {}
            ),
            "",
            "labelme class_names.txt",
        ),
    ),
    "coco_stuff": (
        COCO_STUFF,
        FoundClasses(
            ClassMap(("person", "bicycle", "wood"), {0: 0, 1: 1, 181: 2, 255: 255}, {}, {}),
            "",
            "numbered list of names",
            ("the numbers are COCO-Stuff's: the masks hold each minus one, and 255 for unlabeled",),
        ),
    ),
    "numbered names": (
        "0: unlabeled\n7: road\n",
        FoundClasses(
            ClassMap(("unlabeled", "road"), {0: 0, 7: 1}, {}, {}),
            "",
            "numbered list of names",
            ("class 'unlabeled' is kept as a class; call it ignore in a classes.csv to leave it out",),
        ),
    ),
    "object_info": (
        OBJECT_INFO,
        FoundClasses(ClassMap(("wall", "building"), {1: 0, 2: 1, 0: 255}, {}, {}), "", "ADE20K objectInfo150.txt"),
    ),
    "qgis": (
        QGIS,
        FoundClasses(
            ClassMap(
                ("building", "low, vegetation", "rock"), {1: 0, 2: 1, 7: 2}, {(255, 0, 0): 0, (0, 200, 0): 1}, {}
            ),
            "",
            "QGIS palette",
        ),
    ),
    "ultralytics": (
        YAML,
        FoundClasses(ClassMap(("road", "a #1"), {0: 0, 1: 1, 255: 255}, {}, {}), "", "Ultralytics data.yaml"),
    ),
    "datumaro": (
        DATUMARO,
        FoundClasses(
            ClassMap(("bg", "cat"), {}, {(0, 0, 0): 0, (1, 2, 3): 1}, {}), "", "Datumaro dataset_meta.json"
        ),
    ),
    "supervisely": (
        SUPERVISELY,
        FoundClasses(
            ClassMap(("background", "kiwi", "lemon"), {0: 0, 1: 1, 2: 2}, {}, {}),
            "",
            "Supervisely obj_class_to_machine_color.json",
            (BACKGROUND_NOTE,),
        ),
    ),
    "hasty": (
        HASTY,
        FoundClasses(
            ClassMap(
                ("background", "cat", "dog"), {0: 0, 1: 1, 2: 2}, {(255, 0, 0): 1, (0x4D, 0xF3, 0xCE): 2}, {}
            ),
            "",
            "Hasty label_classes.json",
            (BACKGROUND_NOTE,),
        ),
    ),
    "nnunet": (
        NNUNET,
        FoundClasses(ClassMap(("background", "road"), {0: 0, 1: 1, 2: 255}, {}, {}), "", "nnU-Net dataset.json"),
    ),
    "id_table": (
        ID_TABLE, FoundClasses(THREE, "", "table of numbers and names", ("column 'color' is not read",))
    ),
    "id_names": (
        ID2LABEL,
        FoundClasses(ClassMap(("bg", "cat", "dog"), {0: 0, 1: 1, 10: 2}, {}, {}), "", "Hugging Face id2label.json"),
    ),
    "id_names by name": ('{"cat": 1, "bg": 0, "dog": 2}', FoundClasses(THREE, "", "Hugging Face id2label.json")),
    "id_names in a config": (
        '{"model_type": "segformer", "id2label": {"0": "bg", "1": "cat", "2": "dog"}, "label2id": {"bg": 0}}',
        FoundClasses(THREE, "", "Hugging Face id2label.json"),
    ),
    "pbtxt": (
        LABEL_MAP,
        FoundClasses(
            ClassMap(("background", "dog", "cat"), {0: 0, 1: 1, 2: 2}, {}, {}),
            "",
            "TensorFlow label map",
            (BACKGROUND_NOTE,),
        ),
    ),
    "mapillary": (
        MAPILLARY,
        FoundClasses(
            ClassMap(("animal--bird", "void--unlabeled"), {0: 0, 1: 1}, {(165, 42, 42): 0}, {}),
            "",
            "Mapillary config.json",
            ("['void--unlabeled'] with evaluate false are kept as classes; call them ignore in a classes.csv if not",),
        ),
    ),
    "mapillary with ids": (
        '[{"id": 7, "name": "road", "color": [1, 2, 3]}, {"id": 3, "name": "sky", "color": [1, 2, 3]}]',
        FoundClasses(ClassMap(("sky", "road"), {3: 0, 7: 1}, {}, {}), "", "Mapillary config.json"),
    ),
    "color_after_name": (
        COLOR_AFTER_NAME,
        FoundClasses(
            ClassMap(("bg", "low vegetation", "car"), {}, {(0, 0, 0): 0, (0, 255, 0): 1, (255, 0, 0): 2}, {}),
            "",
            "list of names and colours",
        ),
    ),
    "numbered_colors": (
        NUMBERED_COLORS,
        FoundClasses(
            ClassMap(("bg", "rock-bed", "log 2"), {}, {(0, 0, 0): 0, (102, 102, 0): 1, (0, 255, 0): 2}, {}),
            "",
            "numbered list of names and colours",
        ),
    ),
    "color_names": (
        '{"#ff0000": "Car 1", "#00C800": "Car 2"}',
        FoundClasses(
            ClassMap(("Car 1", "Car 2"), {}, {(255, 0, 0): 0, (0, 200, 0): 1}, {}),
            "",
            "JSON object of colours and names",
        ),
    ),
    "numbers and names": ("0 bg\n1\tcat\n2, dog\n", FoundClasses(THREE, "", "numbered list of names")),
}  # fmt: skip
