"""Public datasets as their sources publish them: folders, names, file formats, values and class files, drawn small.

Each function is one dataset; its docstring names the source whose documentation it follows.
"""

from __future__ import annotations

from pathlib import Path

import wild_scenes as scenes
from wild_drawing import BINARY, Wild


def chase_db1(folder: Path) -> Wild:
    """CHASE_DB1: one folder with Image_01L.jpg and the masks of two observers, 1 bit: _1stHO.png and _2ndHO.png."""
    wild = Wild(folder, {0: "background", 1: "foreground"})
    stems = [f"{number:02}{side}" for number in (1, 2, 3) for side in "LR"]
    wild.pairs("train", "Image_{}.jpg", "Image_{}_1stHO.png", stems, "1")
    for stem in stems:
        wild.mask(f"Image_{stem}_2ndHO.png", mode="1")
    wild.choice = "_1stHO"
    return wild


def stare(folder: Path) -> Wild:
    """STARE: stare-images/im0001.ppm; labels-ah/im0001.ah.ppm and labels-vk/im0001.vk.ppm of two observers."""
    wild = Wild(folder, BINARY)
    stems = [f"im000{number}" for number in range(1, 7)]
    wild.pairs("train", "stare-images/{}.ppm", "labels-ah/{}.ah.ppm", stems)
    for stem in stems:
        wild.mask(f"labels-vk/{stem}.vk.ppm")
    wild.choice = "labels-ah"
    return wild


def cvc_clinicdb(folder: Path) -> Wild:
    """CVC-ClinicDB: Original/1.tif and Ground Truth/1.tif."""
    wild = Wild(folder, BINARY)
    wild.pairs("train", "Original/{}.tif", "Ground Truth/{}.tif", range(1, 9))
    return wild


def hrf(folder: Path) -> Wild:
    """High-Resolution Fundus: images/01_dr.JPG and 01_h.jpg, manual1/01_h.tif (vessels), mask/01_h_mask.tif (field)."""
    wild = Wild(folder, BINARY)
    for number in (1, 2, 3):
        for kind in ("dr.JPG", "g.jpg", "h.jpg"):
            stem = f"{number:02}_{kind.partition('.')[0]}"
            wild.pair("train", f"images/{number:02}_{kind}", f"manual1/{stem}.tif")
            wild.mask(f"mask/{stem}_mask.tif", mode="RGB")
    wild.choice = "manual1"
    return wild


def lgg_mri(folder: Path) -> Wild:
    """LGG MRI on Kaggle: kaggle_3m/TCGA_x/TCGA_x_1.tif beside TCGA_x_1_mask.tif; data.csv about the patients."""
    wild = Wild(folder, BINARY)
    for patient in ("TCGA_CS_4941_19960909", "TCGA_DU_5849_19950405", "TCGA_HT_7473_19970826"):
        stem = f"kaggle_3m/{patient}/{patient}"
        wild.pairs("train", f"{stem}_{{}}.tif", f"{stem}_{{}}_mask.tif", (1, 2, 10, 11))
    wild.text("kaggle_3m/data.csv", ["Patient,RNASeqCluster,tumor_location", "TCGA_CS_4941,2,3", "TCGA_DU_5849,1,2"])
    wild.text("kaggle_3m/README.md", ["LGG Segmentation Dataset"])
    return wild


def membrane(folder: Path) -> Wild:
    """ISBI 2012 membranes as zhixuhao/unet ships them: membrane/train/{image,label}, membrane/test/ without labels."""
    wild = Wild(folder, BINARY)
    wild.pairs("train", "membrane/train/image/{}.png", "membrane/train/label/{}.png", range(6))
    wild.photo(*(f"membrane/test/{number}.png" for number in range(3)))
    return wild


def suim(folder: Path) -> Wild:
    """SUIM, Minnesota: train_val/{images,masks} and TEST/{images,masks}: eight pure colours in BMP."""
    names = ("BW", "HD", "PF", "WR", "RO", "RI", "FV", "SR")
    corners = [(r, g, b) for r in (0, 255) for g in (0, 255) for b in (0, 255)]
    wild = Wild(folder, dict(zip(corners, names, strict=True)))
    wild.pairs("train", "train_val/images/d_r_{}_.jpg", "train_val/masks/d_r_{}_.bmp", range(1, 7))
    wild.pairs("test", "TEST/images/d_r_{}_.jpg", "TEST/masks/d_r_{}_.bmp", range(47, 51))
    return wild


def water_bodies(folder: Path) -> Wild:
    """Satellite Images of Water Bodies on Kaggle: Images/water_body_1.jpg, Masks/water_body_1.jpg: JPEG masks."""
    wild = Wild(folder, BINARY)
    stems = [f"water_body_{number}" for number in range(1, 9)]
    wild.pairs("train", "Water Bodies Dataset/Images/{}.jpg", "Water Bodies Dataset/Masks/{}.jpg", stems)
    return wild


def duts(folder: Path) -> Wild:
    """DUTS, saliency: DUTS-TR/DUTS-TR-Image/x.jpg and DUTS-TR-Mask/x.png; DUTS-TE is the published test set."""
    wild = Wild(folder, BINARY)
    for part, split in (("TR", "train"), ("TE", "test")):
        stems = [f"{part}_ILSVRC2012_{number:08}" for number in range(3, 7)]
        base = f"DUTS-{part}/DUTS-{part}"
        wild.pairs(split, f"{base}-Image/{{}}.jpg", f"{base}-Mask/{{}}.png", stems)
    return wild


def cod10k(folder: Path) -> Wild:
    """COD10K-v3: Train/Image, GT_Object, GT_Instance, GT_Edge; Test alike."""
    wild = Wild(folder, BINARY)
    for part, split in (("Train", "train"), ("Test", "test")):
        stems = [f"COD10K-CAM-1-Aquatic-1-BatFish-{number + 10 * (split == 'test')}" for number in range(4)]
        wild.pairs(split, f"COD10K-v3/{part}/Image/{{}}.jpg", f"COD10K-v3/{part}/GT_Object/{{}}.png", stems)
        for stem in stems:
            wild.mask(f"COD10K-v3/{part}/GT_Edge/{stem}.png")
            wild.mask(f"COD10K-v3/{part}/GT_Instance/{stem}.png", [(0, 0, 0), (255, 255, 255), (192, 0, 0)])
    wild.choice = "GT_Object"
    return wild


def deepcrack(folder: Path) -> Wild:
    """DeepCrack: train_img/1.jpg and train_lab/1.png, test_img and test_lab."""
    wild = Wild(folder, BINARY)
    wild.pairs("train", "train_img/{}.jpg", "train_lab/{}.png", [f"7Q3A90{number}-1" for number in range(60, 66)])
    wild.pairs("test", "test_img/{}.jpg", "test_lab/{}.png", [f"1111{number}" for number in range(5, 8)])
    return wild


def crack500(folder: Path) -> Wild:
    """CRACK500: traincrop/, valcrop/, testcrop/ with x.jpg beside x.png; train.txt with both; the uncropped beside."""
    wild = Wild(folder, BINARY)
    for split in ("train", "val", "test"):
        day = {"train": 20160222, "val": 20160301, "test": 20160316}[split]
        stems = [f"{split}crop/{day}_08101{number}_1_361" for number in range(4)]
        wild.pairs(split, "{}.jpg", "{}.png", stems)
        wild.text(f"{split}.txt", [f"{stem}.jpg {stem}.png" for stem in stems])
        for number in range(4):
            wild.photo(f"{split}data/{day}_08101{number}.jpg")
            wild.mask(f"{split}data/{day}_08101{number}_mask.png")
    return wild


def lip(folder: Path) -> Wild:
    """Look Into Person: TrainVal_images/train_images, TrainVal_parsing_annotations/train_segmentations."""
    names = ("Background", "Hat", "Hair", "Glove", "Sunglasses", "Upper-clothes", "Dress", "Coat", "Socks", "Pants")
    wild = Wild(folder, dict(enumerate(names)))
    for split, first in (("train", 77), ("val", 1000)):
        stems = [f"{first + number}_{400000 + number}" for number in range(4)]
        images, masks = f"TrainVal_images/{split}_images", f"TrainVal_parsing_annotations/{split}_segmentations"
        wild.pairs(split, f"{images}/{{}}.jpg", f"{masks}/{{}}.png", stems)
        wild.text(f"TrainVal_images/{split}_id.txt", stems)
    return wild


def pascal_context(folder: Path) -> Wild:
    """PASCAL Context as MMSegmentation prepares it: SegmentationClassContext, ImageSets/SegmentationContext/*.txt."""
    names = ("background", "aeroplane", "bag", "bed", "bedclothes", "bench", "bicycle", "bird", "boat", "book")
    wild = Wild(folder, dict(enumerate(names)))
    for split, first in (("train", 2), ("val", 50)):
        stems = [f"2008_0000{first + number:02}" for number in range(4)]
        wild.pairs(split, "JPEGImages/{}.jpg", "SegmentationClassContext/{}.png", stems)
        wild.text(f"ImageSets/SegmentationContext/{split}.txt", stems)
    wild.text("ImageSets/Main/train.txt", ["2008_000002", "2008_000008"])
    wild.photo("JPEGImages/2007_000027.jpg")
    wild.choice = "SegmentationContext"
    return wild


def clothing(folder: Path) -> Wild:
    """People Clothing Segmentation on Kaggle: png_images/IMAGES/img_0001.png, png_masks/MASKS/seg_0001.png."""
    wild = Wild(folder, dict(enumerate(("background", "accessories", "bag", "belt", "blazer"))))
    for number in range(1, 7):
        image, mask = f"_images/IMAGES/img_{number:04}", f"_masks/MASKS/seg_{number:04}"
        wild.pair("train", f"png{image}.png", f"png{mask}.png")
        wild.again(f"png{image}.png", f"jpeg{image}.jpeg")
        wild.again(f"png{mask}.png", f"jpeg{mask}.jpeg")
    wild.text("labels.csv", [",label_list", *(f"{value},{name}" for value, name in wild.classes.items())])
    wild.choice = "png_images/IMAGES/im{stem}.png' --mask 'png_masks/"  # img_ and seg_ share the g
    return wild


DATASETS = (
    *(scenes.massachusetts_buildings, clothing),
    *(scenes.camvid, scenes.acdc, scenes.rellis, scenes.rugd, scenes.freiburg_forest, scenes.goose),
    *(scenes.a2d2, scenes.yamaha, scenes.woodscape, scenes.gta5, scenes.idd, scenes.urbansyn, scenes.tas500),
    *(scenes.inria_aerial, scenes.deepglobe_roads, scenes.rescuenet, scenes.dubai, scenes.open_earth_map),
    *(scenes.mumbai, scenes.aeroscapes, chase_db1, stare, cvc_clinicdb, hrf, lgg_mri, membrane, suim),
    *(water_bodies, duts, cod10k, deepcrack, crack500, lip, pascal_context),
)
