"""Public datasets of roads, fields and towns, from the ground and from the air, drawn by the documentation of each."""

from __future__ import annotations

from pathlib import Path

from wild_drawing import BINARY, Value, Wild

CITYSCAPES_IDS: dict[Value, str | None] = {
    **dict.fromkeys((0, 1, 4), None),
    **dict(zip((7, 8, 11, 17, 21), ("road", "sidewalk", "building", "pole", "vegetation"), strict=True)),
    **dict(zip((23, 24, 26), ("sky", "person", "car"), strict=True)),
}


def camvid(folder: Path) -> Wild:
    """CamVid on Kaggle: train/ and train_labels/ with _L, and so on; class_dict.csv of 32 colours."""
    colors = {"Animal": (64, 128, 64), "Car": (64, 0, 128), "Road": (128, 64, 128), "Void": (0, 0, 0)}
    wild = Wild(folder, {color: name for name, color in colors.items()})
    for split, first in (("train", 690), ("val", 720), ("test", 750)):
        stems = (f"0001TP_00{number}" for number in range(first, first + 4))
        wild.pairs(split, f"{split}/{{}}.png", f"{split}_labels/{{}}_L.png", stems)
    wild.text("class_dict.csv", ["name,r,g,b", *(f"{name},{r},{g},{b}" for name, (r, g, b) in colors.items())])
    return wild


def acdc(folder: Path) -> Wild:
    """ACDC, Zurich: rgb_anon/fog/train/GOPR0475/x_rgb_anon.png; gt/ has four pictures each; test and _ref have none."""
    wild = Wild(folder, CITYSCAPES_IDS)
    for weather, drive in (("fog", "GOPR0475"), ("night", "GOPR0351")):
        for split in ("train", "val"):
            for number in (41, 42, 43):
                stem = f"{drive}_frame_0000{number + 10 * (split == 'val')}"
                start = f"{weather}/{split}/{drive}/{stem}"
                wild.pair(split, f"rgb_anon/{start}_rgb_anon.png", f"gt/{start}_gt_labelIds.png")
                wild.mask(f"gt/{start}_gt_labelTrainIds.png", [0, 1, 2, 5, 8, 10, 11, 13, 255])
                wild.mask(f"gt/{start}_gt_labelColor.png", [(128, 64, 128), (70, 70, 70), (0, 0, 0)])
                wild.mask(f"gt/{start}_gt_invGray.png", range(0, 255, 2))
                wild.photo(f"rgb_anon/{weather}/{split}_ref/{drive}/{stem.replace('frame', 'ref_frame')}_rgb_anon.png")
        for number in (91, 92):
            wild.photo(f"rgb_anon/{weather}/test/{drive}/{drive}_frame_0000{number}_rgb_anon.png")
    wild.choice = "labelIds"
    return wild


def rellis(folder: Path) -> Wild:
    """RELLIS-3D: 00000/pylon_camera_node/frame.jpg, ..._label_id/frame.png, ..._label_color; train.lst, val.lst."""
    classes = {0: "void", 3: "grass", 4: "tree", 7: "sky", 17: "person", 19: "bush", 33: "mud", 34: "rubble"}
    wild = Wild(folder, classes)
    for split, scene in (("train", "00000"), ("val", "00003"), ("test", "00004")):
        lines = []
        for number in range(104, 108):
            stem = f"frame000{number}-1581624663_{number}"
            images, masks = f"{scene}/pylon_camera_node", f"{scene}/pylon_camera_node_label_id"
            wild.pair(split, f"Rellis-3D/{images}/{stem}.jpg", f"Rellis-3D/{masks}/{stem}.png")
            wild.mask(f"Rellis-3D/{scene}/pylon_camera_node_label_color/{stem}.png", [(0, 0, 0), (0, 102, 0)])
            lines.append(f"{images}/{stem}.jpg {masks}/{stem}.png")
        wild.text(f"Rellis-3D/{split}.lst", lines)
    return wild


def rugd(folder: Path) -> Wild:
    """RUGD: RUGD_frames-with-annotations/creek/creek_00001.png, RUGD_annotations/ alike, a colour map."""
    colors = {"void": (0, 0, 0), "dirt": (108, 64, 20), "sand": (255, 229, 204), "grass": (0, 102, 0)}
    colors |= {"tree": (0, 255, 0), "pole": (0, 153, 153), "water": (0, 128, 255), "rock-bed": (102, 102, 0)}
    wild = Wild(folder, {color: name for name, color in colors.items()})
    for scene in ("creek", "park-1", "trail-3"):
        stems = (f"{scene}/{scene}_{number:05}" for number in (1, 31, 61))
        wild.pairs("train", "RUGD_frames-with-annotations/{}.png", "RUGD_annotations/{}.png", stems)
    lines = [f"{place} {name} {r} {g} {b}" for place, (name, (r, g, b)) in enumerate(colors.items())]
    wild.text("RUGD_annotations/RUGD_annotation-colormap.txt", lines)
    return wild


def freiburg_forest(folder: Path) -> Wild:
    """Freiburg Forest: train/rgb/b1-09517_Clipped.jpg, train/GT_color/b1-09517_mask.png, and other bands beside."""
    colors = {"Road": (170, 170, 170), "Grass": (0, 255, 0), "Vegetation": (102, 102, 51), "Tree": (0, 60, 0)}
    colors |= {"Sky": (0, 120, 255), "Obstacle": (0, 0, 0)}
    wild = Wild(folder, {color: name for name, color in colors.items()})
    for split, first in (("train", 9517), ("test", 9802)):
        for number in range(first, first + 4):
            stem = f"b{number % 2}-{number:05}"
            base = f"freiburg_forest_annotated/{split}"
            wild.pair(split, f"{base}/rgb/{stem}_Clipped.jpg", f"{base}/GT_color/{stem}_mask.png")
            for band, end in (("nir_color", ".png"), ("nir_gray", ".tif"), ("depth_color", "_Clipped.jpg")):
                wild.photo(f"{base}/{band}/{stem}{end}")
    wild.choice = "/rgb/"
    return wild


def goose(folder: Path) -> Wild:
    """GOOSE, Fraunhofer: images/train/SCENE/x_windshield_vis.png; labels/ has ids, colours and instances; a CSV."""
    rows = (
        ("undefined", 0, "#000000"),
        ("traffic_cone", 1, "#ff4444"),
        ("snow", 2, "#ffffff"),
        ("cobble", 3, "#888888"),
    )
    wild = Wild(folder, {key: name for name, key, _ in rows})
    for split, scene in (("train", "2022-07-22_flight"), ("val", "2022-10-06_karlsruhe")):
        for number in range(45, 49):
            stem = f"{scene}__{number:04}_16584942{number}"
            wild.pair(
                split,
                f"images/{split}/{scene}/{stem}_windshield_vis.png",
                f"labels/{split}/{scene}/{stem}_labelids.png",
            )
            wild.mask(f"labels/{split}/{scene}/{stem}_color.png", [(0, 0, 0), (255, 68, 68)])
            wild.mask(f"labels/{split}/{scene}/{stem}_instanceids.png", [0, number])
    wild.text(
        "goose_label_mapping.csv", ["class_name,label_key,has_instance,hex", *(f"{n},{k},0,{c}" for n, k, c in rows)]
    )
    wild.choice = "labelids"
    return wild


def a2d2(folder: Path) -> Wild:
    """A2D2, Audi: S/camera/cam_front_center/X_camera_frontcenter_N.png, S/label/...; class_list.json by colour."""
    colors = {
        "Car 1": "#ff0000",
        "Car 2": "#c80000",
        "Pedestrian 1": "#cc99ff",
        "Sky": "#87ceff",
        "RD normal street": "#ff00ff",
    }
    values = {tuple(bytes.fromhex(color[1:])): name for name, color in colors.items()}
    wild = Wild(folder, values)  # type: ignore[arg-type]
    for scene in ("20180807_145028", "20180925_101535"):
        base, stamp = f"camera_lidar_semantic/{scene}", scene.replace("_", "")
        for number in (91, 135, 180):
            image = f"{base}/camera/cam_front_center/{stamp}_camera_frontcenter_{number:09}"
            mask = f"{base}/label/cam_front_center/{stamp}_label_frontcenter_{number:09}"
            wild.pair("train", f"{image}.png", f"{mask}.png")
            wild.text(f"{image}.json", ['{"cam_name": "front_center", "cam_tstamp": 1533653430}'])
    rows = ", ".join(f'"{color}": "{name}"' for name, color in colors.items())
    wild.text("camera_lidar_semantic/class_list.json", [f"{{{rows}}}"])
    return wild


def yamaha(folder: Path) -> Wild:
    """YCOR, Yamaha and CMU: train/iid000008/rgb.jpg beside labels.png, a palette PNG; valid/ alike."""
    names = ("non-traversable low vegetation", "sky", "high vegetation", "traversable grass", "rough trail")
    wild = Wild(folder, dict(enumerate(names, 1)))
    for split, numbers in (("train", (8, 9, 12)), ("valid", (0, 3))):
        stems = [f"{split}/iid{number:06}" for number in numbers]
        wild.pairs(split[:5].replace("valid", "val"), "yamaha_v0/{}/rgb.jpg", "yamaha_v0/{}/labels.png", stems, "P")
    return wild


def woodscape(folder: Path) -> Wild:
    """WoodScape, Valeo: rgb_images/00000_FV.png; semantic_annotations/gtLabels (ids) and rgbLabels (colours)."""
    names = (
        "void",
        "road",
        "lanemarks",
        "curb",
        "person",
        "rider",
        "vehicles",
        "bicycle",
        "motorcycle",
        "traffic_sign",
    )
    wild = Wild(folder, dict(enumerate(names)))
    stems = [f"{number:05}_{camera}" for number, camera in enumerate(("FV", "MVL", "MVR", "RV", "FV", "RV"))]
    wild.pairs("train", "rgb_images/{}.png", "semantic_annotations/gtLabels/{}.png", stems)
    for stem in stems:
        wild.mask(f"semantic_annotations/rgbLabels/{stem}.png", [(0, 0, 0), (255, 0, 255), (255, 0, 0)])
    wild.choice = "gtLabels"
    return wild


def gta5(folder: Path) -> Wild:
    """Playing for Data (GTA V): images/00001.png and labels/00001.png, palette PNG with the ids of Cityscapes."""
    wild = Wild(folder, CITYSCAPES_IDS)
    wild.pairs("train", "images/{}.png", "labels/{}.png", [f"{number:05}" for number in range(1, 7)], "P")
    wild.text("split.mat", ["MATLAB 5.0 MAT-file"])  # the split, which segconv cannot read: it is named
    return wild


def idd(folder: Path) -> Wild:
    """India Driving Dataset with the labels that its tools make: leftImg8bit/train/0/x.jpg, gtFine/train/0/x.png."""
    wild = Wild(folder, {0: "road", 1: "parking", 2: "sidewalk", 4: "person", 25: "sky", 255: None})
    for split, scenes in (("train", ("0", "3")), ("val", ("119",))):
        for scene in scenes:
            stems = [f"{scene}/frame{number}" for number in (29, 1237, 4500)]
            base = f"leftImg8bit/{split}/{{}}_leftImg8bit.jpg", f"gtFine/{split}/{{}}_gtFine_labellevel3Ids.png"
            wild.pairs(split, *base, stems)
            for stem in stems:
                wild.text(f"gtFine/{split}/{stem}_gtFine_polygons.json", ['{"imgHeight": 24, "imgWidth": 32}'])
    wild.photo("leftImg8bit/test/700/frame33_leftImg8bit.jpg")
    return wild


def urbansyn(folder: Path) -> Wild:
    """UrbanSyn, Barcelona: rgb/rgb_0001.png, ss/ss_0001.png (ids 0..18, 19), ss_colour/ss_colour_0001.png."""
    wild = Wild(folder, {0: "road", 1: "sidewalk", 2: "building", 10: "sky", 13: "car", 19: "unlabeled"})
    stems = [f"{number:04}" for number in range(1, 7)]
    wild.pairs("train", "rgb/rgb_{}.png", "ss/ss_{}.png", stems)
    for stem in stems:
        wild.mask(f"ss_colour/ss_colour_{stem}.png", [(128, 64, 128), (244, 35, 232), (70, 70, 70)])
    wild.choice = "ss/ss_"
    return wild


def tas500(folder: Path) -> Wild:
    """TAS500, Munich: train/, train_labels/ (colours) and train_labels_ids/; val alike; test/ without labels."""
    wild = Wild(
        folder, {(192, 192, 192): "asphalt", (105, 105, 105): "gravel", (124, 252, 0): "low grass", (0, 0, 0): None}
    )
    for split, first in (("train", 15365), ("val", 15376)):
        stems = [str(first + number) for number in range(4)]
        wild.pairs(split, f"tas500_v1.1/{split}/{{}}.png", f"tas500_v1.1/{split}_labels/{{}}.png", stems)
        for stem in stems:
            wild.mask(f"tas500_v1.1/{split}_labels_ids/{stem}.png", [0, 1, 255])
    wild.photo("tas500_v1.1/test/15390.png", "tas500_v1.1/test/15391.png")
    wild.choice = "_labels/{stem}"
    return wild


def massachusetts_buildings(folder: Path) -> Wild:
    """Massachusetts Buildings on Kaggle: everything twice, in png/ and tiff/; label_class_dict.csv, metadata.csv."""
    wild = Wild(folder, {(0, 0, 0): "background", (255, 255, 255): "building"})
    rows = ["image_id,split,tiff_image_path,tif_label_path,png_image_path,png_label_path"]
    for split, first in (("train", 22678), ("val", 22828), ("test", 22978)):
        for number in range(first, first + 3):
            paths = {form: f"{form}/{split}/{number}_15.{form}" for form in ("png", "tiff")}
            masks = {form: f"{form}/{split}_labels/{number}_15.{form[:3]}" for form in ("png", "tiff")}
            wild.pair(split, paths["png"], masks["png"])
            wild.again(paths["png"], paths["tiff"])
            wild.again(masks["png"], masks["tiff"])
            rows.append(f"{number}_15,{split},{paths['tiff']},{masks['tiff']},{paths['png']},{masks['png']}")
    wild.text("metadata.csv", rows)
    wild.text("label_class_dict.csv", ["name,r,g,b", "background,0,0,0", "building,255,255,255"])
    wild.choice = "png/"
    return wild


def inria_aerial(folder: Path) -> Wild:
    """Inria Aerial Image Labeling: AerialImageDataset/train/{images,gt}, test/images without labels."""
    wild = Wild(folder, BINARY)
    stems = [f"{city}{number}" for city in ("austin", "vienna") for number in (1, 2, 3)]
    wild.pairs("train", "AerialImageDataset/train/images/{}.tif", "AerialImageDataset/train/gt/{}.tif", stems)
    wild.photo(*(f"AerialImageDataset/test/images/bellingham{number}.tif" for number in (1, 2, 3)))
    return wild


def deepglobe_roads(folder: Path) -> Wild:
    """DeepGlobe Road Extraction on Kaggle: train/N_sat.jpg, N_mask.png; valid/ and test/ have no masks."""
    wild = Wild(folder, {(255, 255, 255): "road", (0, 0, 0): "background"})
    wild.pairs("train", "train/{}_sat.jpg", "train/{}_mask.png", range(100034, 100040))
    rows = [f"{number},train,train/{number}_sat.jpg,train/{number}_mask.png" for number in range(100034, 100040)]
    for split, first in (("valid", 100794), ("test", 100892)):
        wild.photo(*(f"{split}/{number}_sat.jpg" for number in range(first, first + 3)))
        rows += [f"{number},{split},{split}/{number}_sat.jpg," for number in range(first, first + 3)]
    wild.text("metadata.csv", ["image_id,split,sat_image_path,mask_path", *rows])
    wild.text("class_dict.csv", ["name,r,g,b", "road,255,255,255", "background,0,0,0"])
    return wild


def rescuenet(folder: Path) -> Wild:
    """RescueNet: train/train-org-img/10778.jpg and train/train-label-img/10778_lab.png, and so on; 0..10."""
    names = ("Background", "Water", "Building_No_Damage", "Building_Minor_Damage", "Building_Major_Damage")
    names += ("Building_Total_Destruction", "Vehicle", "Road-Clear", "Road-Blocked", "Tree", "Pool")
    wild = Wild(folder, dict(enumerate(names)))
    for split, first in (("train", 10778), ("val", 10781), ("test", 10801)):
        numbers = range(first, first + 3)
        wild.pairs(split, f"{split}/{split}-org-img/{{}}.jpg", f"{split}/{split}-label-img/{{}}_lab.png", numbers)
    return wild


def dubai(folder: Path) -> Wild:
    """Dubai aerial imagery on Kaggle, by Humans in the Loop: Tile 1/{images,masks}; classes.json."""
    colors = {"Building": "#3C1098", "Land": "#8429F6", "Road": "#6EC1E4", "Vegetation": "#FEDD3A"}
    colors |= {"Water": "#E2A929", "Unlabeled": "#9B9B9B"}
    wild = Wild(folder, {tuple(bytes.fromhex(color[1:])): name for name, color in colors.items()})  # type: ignore[misc]
    for tile in (1, 2, 3):
        base = f"Semantic segmentation dataset/Tile {tile}"
        stems = [f"image_part_00{number}" for number in (1, 2, 3)]
        wild.pairs("train", f"{base}/images/{{}}.jpg", f"{base}/masks/{{}}.png", stems)
    rows = ", ".join(f'{{"title": "{name}", "shape": "polygon", "color": "{color}"}}' for name, color in colors.items())
    wild.text("Semantic segmentation dataset/classes.json", [f'{{"classes": [{rows}], "tags": []}}'])
    return wild


def open_earth_map(folder: Path) -> Wild:
    """OpenEarthMap: OpenEarthMap_wo_xBD/aachen/{images,labels}/aachen_1.tif; train.txt, val.txt, test.txt of names."""
    names = (None, "Bareland", "Rangeland", "Developed space", "Road", "Tree", "Water", "Agriculture land", "Building")
    wild = Wild(folder, dict(enumerate(names)))
    chosen: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for region in ("aachen", "tokyo", "kyoto"):
        for number in range(1, 5):
            split = {3: "val", 4: "test"}.get(number, "train")
            chosen[split].append(f"{region}_{number}.tif")
            stem, base = f"{region}_{number}.tif", f"OpenEarthMap_wo_xBD/{region}"
            if split == "test":
                wild.photo(f"{base}/images/{stem}")
            else:
                wild.pair(split, f"{base}/images/{stem}", f"{base}/labels/{stem}")
    for split, names_of in chosen.items():
        wild.text(f"OpenEarthMap_wo_xBD/{split}.txt", names_of)
    return wild


def mumbai(folder: Path) -> Wild:
    """Mumbai Semantic Segmentation, geoai4cities: Dataset/Main_Dataset/{images,masks}, class_dict.csv, *_files.csv."""
    colors = {"Background": (60, 20, 90), "Building": (255, 0, 0), "Road": (255, 255, 0), "Water": (0, 0, 255)}
    wild = Wild(folder, {color: name for name, color in colors.items()})
    base = "Dataset/Main_Dataset"
    for split, numbers in (("train", range(1, 5)), ("val", (5, 6)), ("test", (7, 8))):
        stems = [f"tile_5.{number}" for number in numbers]
        wild.pairs(split, f"{base}/images/{{}}.tif", f"{base}/masks/{{}}.png", stems)
        wild.text(f"{base}/{split}_files.csv", ["images,masks", *(f"{stem}.tif,{stem}.png" for stem in stems)])
    wild.text(f"{base}/class_dict.csv", ["name,r,g,b", *(f"{name},{r},{g},{b}" for name, (r, g, b) in colors.items())])
    return wild


def aeroscapes(folder: Path) -> Wild:
    """AeroScapes: JPEGImages, SegmentationClass (0..11), Visualizations, and ImageSets/trn.txt, val.txt."""
    names = ("Background", "Person", "Bike", "Car", "Drone", "Boat", "Animal", "Obstacle", "Construction")
    names += ("Vegetation", "Road", "Sky")
    wild = Wild(folder, dict(enumerate(names)))
    for split, numbers in (("train", range(4)), ("val", (7, 8))):
        stems = [f"000001_{number:03}" for number in numbers]
        wild.pairs(split, "JPEGImages/{}.jpg", "SegmentationClass/{}.png", stems)
        wild.text(f"ImageSets/{'trn' if split == 'train' else split}.txt", stems)
        for stem in stems:
            wild.mask(f"Visualizations/{stem}.png", [(0, 0, 0), (192, 128, 128), (0, 128, 0)])
    return wild
