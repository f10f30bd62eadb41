"""Tests without downloads; those that read YOLOX-nano's weights need HEDGE_MODELS.

    python -m unittest -v
"""

import json
import os
import tempfile
import unittest

import cv2
import numpy as np
import onnx
import torch
from onnx.utils import Extractor

from hedge_train import augment, conditions, consist, copies, plates
from hedge_train.evaluate import covered_at, threshold
from hedge_train.export import OUTPUTS, Decoded, agree, fold, kept, load, rounded, write
from hedge_train.initial import focus_as_conv, start, start_from_hedge
from hedge_train.loss import plate_loss
from hedge_train.net import STRIDES, Enlarged, HedgeNet
from hedge_train.pictures import letterbox, nms, tensor
from hedge_train.platenet import KEPT, pruned
from hedge_train.scenes import DOUBT, Hard, Mosaic, Picture, Scene, targets
from hedge_train.teach import YuNet, session

torch.set_num_threads(1)

MODELS = os.environ.get("HEDGE_MODELS", "")
YOLOX = os.path.join(MODELS, "yolox_nano_dynamic.onnx")


VEHICLE = ([80, 40, 200, 140, 0.9],)


def picture(folder, complete, vehicles=VEHICLE, plate=True):
    image = np.full((240, 320, 3), 90, np.uint8)
    cv2.rectangle(image, (100, 100), (160, 115), (250, 250, 250), -1)
    path = os.path.join(folder, "one.png")
    cv2.imwrite(path, image)
    boxes = [{"class": "plate", "x": 100, "y": 100, "w": 60, "h": 15}] if plate else []
    entry = {"path": path, "complete": complete, "boxes": boxes}
    return Picture(entry, vehicles)


class Weights(unittest.TestCase):
    def test_focus_is_one_convolution(self):
        x, w = torch.randn(1, 3, 12, 16), np.random.default_rng(1).normal(size=(4, 12, 3, 3)).astype(np.float32)
        parts = [x[..., dy::2, dx::2] for dx in (0, 1) for dy in (0, 1)]
        want = torch.nn.functional.conv2d(torch.cat(parts, 1), torch.from_numpy(w), padding=1)
        got = torch.nn.functional.conv2d(x, torch.from_numpy(focus_as_conv(w)), stride=2, padding=2)
        self.assertLess(float((want - got).abs().max()), 1e-4)

    @unittest.skipUnless(os.path.exists(YOLOX), "set HEDGE_MODELS to the folder of the public networks")
    def test_people_and_faces_are_those_of_the_public_networks(self):
        net = start(HedgeNet(), MODELS).eval()
        x = np.random.default_rng(2).uniform(0, 255, (1, 3, 128, 192)).astype(np.float32)
        want = session(YOLOX).run(None, {"images": x})[0][0]
        with torch.no_grad():
            people, _, _ = net(torch.from_numpy(x))
            _, decoded, _ = (rows[0].numpy() for rows in Decoded(net)(torch.from_numpy(x)))
        got = torch.cat([p.flatten(2) for p in people], 2)[0].T.numpy()
        self.assertLess(np.abs(got[:, :4] - want[:, :4]).max(), 1e-3)
        self.assertLess(np.abs(1 / (1 + np.exp(-got[:, 4:10])) - want[:, [4, 5, 7, 8, 10, 12]]).max(), 1e-4)
        yunet = YuNet(os.path.join(MODELS, "yunet_s_dynamic.onnx"))
        wide = net.enlarged(torch.from_numpy(x))
        self.assertEqual(tuple(wide.shape), (1, 3, 128, 224))  # 6 blocks of 35, and 14 columns of grey
        boxes, scores = yunet.canvas(wide[0].permute(1, 2, 0).numpy(), 0)
        faces = decoded[: len(boxes)]
        self.assertLess(np.abs(faces[:, :4] - boxes * np.array([32 / 35, 1, 32 / 35, 1])).max(), 0.05)
        self.assertLess(np.abs(faces[:, 4] - scores).max(), 1e-3)

    def test_enlarged_keeps_places(self):
        across = torch.arange(64.0).expand(1, 3, 64, 64)
        for columns, rows in ((35, 32), (36, 36)):
            for picture, n, axis in ((across, columns, 3), (across.transpose(2, 3), rows, 2)):
                large = Enlarged(columns, rows)(picture)
                self.assertEqual(tuple(large.shape), (1, 3, 96 if rows > 32 else 64, 96))
                self.assertEqual(large[:, :, 2 * rows :].unique().tolist(), [114.0] if rows > 32 else [])
                self.assertEqual(large[..., 2 * columns :].unique().tolist(), [114.0])
                line = large.select(5 - axis, 0)[0, 0, : 2 * n]
                centres = (torch.arange(2 * n) + 0.5) * 32 / n - 0.5
                self.assertLess(float((line - centres).abs().max()), 0.1)

    def test_exported_file_agrees(self):
        for name, int8 in (("hedge-n", False), ("hedge-n", True), ("hedge-p", True)):
            net = Decoded(rounded(fold(HedgeNet(name).eval()), int8)).eval()
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "n.onnx")
                write(net, path, 128, 96, True, int8)
                box, score = agree(net, path, ((128, 96), (64, 160)))
                self.assertLess(os.path.getsize(path), 1.5e6 if int8 else 4e6)
            self.assertLess(box, 0.05)
            self.assertLess(score, 1e-3)

    def test_kept_weights(self):
        weight = np.random.default_rng(9).normal(size=(32, 32, 1, 1)).astype(np.float32)
        weight[0] *= 100
        numbers, factors = kept(weight, True)
        again = numbers * factors
        self.assertEqual(numbers.dtype, np.int8)
        self.assertLess(np.abs(again - weight).max(), 0.03 * np.abs(weight).max())
        self.assertLess(np.abs(again[1:] - weight[1:]).max(), 0.6)  # each channel has a factor of its own
        self.assertTrue((kept(again, True)[0] == numbers).all())
        self.assertIsNone(kept(weight[:, :1], True)[1])


class Exported(unittest.TestCase):
    def test_training_goes_on_from_an_exported_file(self):
        for int8 in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                first = Decoded(rounded(fold(HedgeNet("hedge-p").eval()), int8)).eval()
                path = os.path.join(folder, "n.onnx")
                write(first, path, 128, 96, True, int8)
                again = start_from_hedge(fold(HedgeNet("hedge-p").eval()), path)
                for (name, a), b in zip(first.net.state_dict().items(), again.state_dict().values()):
                    self.assertLess(float((a - b).abs().max()), 1e-6, name)
                with self.assertRaisesRegex(ValueError, "other convolutions"):
                    start_from_hedge(fold(HedgeNet("hedge-n").eval()), path)

    def test_what_was_learnt_is_put_over_the_rest(self):
        with tempfile.TemporaryDirectory() as folder:
            path, people, plates_file = (os.path.join(folder, n) for n in ("n.onnx", "people.pt", "plates.pt"))
            net = fold(HedgeNet().eval())
            write(Decoded(rounded(net)).eval(), path, 128, 96, True)
            bias = net.people[0].reg_out.bias.detach() + 1
            torch.save({"part": "people", "average": {"people/0/reg_out/bias": bias}}, people)
            torch.save({"average": HedgeNet().plates.eval().state_dict(), "plates": {}}, plates_file)  # trained from scratch
            got = load(path, [people, plates_file]).net
            self.assertTrue(torch.equal(got.people[0].reg_out.bias, bias))
            half = load(path, [people], share=0.5).net
            self.assertLess((half.people[0].reg_out.bias - bias + 0.5).abs().max().item(), 1e-6)
            self.assertTrue(torch.equal(got.people[1].reg_out.bias, net.people[1].reg_out.bias))
            self.assertFalse(any("running_mean" in k for k in got.state_dict()))
            torch.save({"average": {"stages.9.weight": bias}, "plates": {}}, plates_file)
            with self.assertRaisesRegex(ValueError, "another network"):
                load(path, [plates_file])

    def test_outputs_are_cut_off_cleanly(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "n.onnx")
            write(Decoded(rounded(fold(HedgeNet().eval()))).eval(), path, 128, 96, True)
            x = np.random.default_rng(5).uniform(0, 255, (1, 3, 96, 128)).astype(np.float32)
            whole = dict(zip(OUTPUTS, session(path).run(list(OUTPUTS), {"images": x})))
            for name in OUTPUTS:
                part = os.path.join(folder, name + ".onnx")
                onnx.save(Extractor(onnx.load(path)).extract_model(["images"], [name]), part)
                self.assertLess(np.abs(session(part).run(None, {"images": x})[0] - whole[name]).max(), 1e-2)
            self.assertLess(os.path.getsize(os.path.join(folder, "faces.onnx")), os.path.getsize(path) / 8)


class Conditions(unittest.TestCase):
    def scene(self):
        image = np.full((240, 360, 3), 40, np.uint8)
        cv2.rectangle(image, (150, 60), (209, 89), (250, 250, 250), -1)
        return image, np.array([[150, 60, 210, 90]], np.float32)

    def test_the_same_name_gives_the_same_picture(self):
        image, boxes = self.scene()
        for name in conditions.CONDITIONS:
            a, b, c = (conditions.under(name, image, boxes, conditions.seeded(name, n)) for n in ("one", "one", "two"))
            self.assertTrue((a[0] == b[0]).all() and np.array_equal(a[1], b[1], equal_nan=True), name)
            if name not in ("daylight", "grey", "upside_down"):
                self.assertTrue(a[0].shape != c[0].shape or (a[0] != c[0]).any() or name in ("sideways", "tilted"), name)
            self.assertEqual((a[0].dtype, a[0].ndim, a[0].shape[2]), (np.uint8, 3, 3))
        self.assertTrue((image == self.scene()[0]).all())
        with self.assertRaisesRegex(ValueError, "snow is not one of daylight"):
            conditions.under("snow", image, boxes, conditions.seeded("snow", "x"))

    def test_light_moves_nothing(self):
        image, boxes = self.scene()
        for name in conditions.LIGHTS:
            for seed in range(6):
                seen, at = conditions.under(name, image, boxes, np.random.default_rng(seed))
                self.assertEqual(seen.shape, image.shape)
                self.assertTrue((at == boxes).all())
                inner, outer = seen[65:85, 160:200].mean(), seen[150:, :100].mean()
                self.assertGreater(inner, outer - 12 if name in ("rain", "back_light") else outer, f"{name} {seed}")

    def test_boxes_follow_the_shape(self):
        image, boxes = self.scene()
        for name in conditions.SHAPES:
            for seed in range(4):
                seen, at = conditions.under(name, image, boxes, np.random.default_rng(seed), [False])
                bright = np.argwhere(seen.min(2) > 200)
                got = np.array([bright[:, 1].min(), bright[:, 0].min(), bright[:, 1].max() + 1, bright[:, 0].max() + 1])
                self.assertLess(np.abs(at[0] - got).max(), 3, f"{name} {seed}: {at[0]}, {got}")

    def test_what_is_cut_away_is_no_label(self):
        entry = {"image": "one.png", "boxes": [{"class": "plate", "x": 0, "y": 0, "w": 40, "h": 12}, {"class": "person", "x": 150, "y": 60, "w": 60, "h": 90, "track": 3}]}
        image, seen = conditions.seen("tilted", self.scene()[0], entry)
        self.assertEqual([b["class"] for b in seen["boxes"]], ["person"])
        self.assertEqual(seen["boxes"][0]["track"], 3)
        # A person is round enough: less than the corners' box.
        self.assertLess(seen["boxes"][0]["w"], 0.98 * (60 * np.cos(np.pi / 6) + 90 * np.sin(np.pi / 6)))
        self.assertEqual((image.shape[1], image.shape[0]), (seen["width"], seen["height"]))

    def test_a_set_is_copied(self):
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(os.path.join(folder, "set", "images"))
            cv2.imwrite(os.path.join(folder, "set", "images", "a.jpg"), self.scene()[0])
            with open(os.path.join(folder, "set", "labels.jsonl"), "w", encoding="utf-8") as f:
                f.write(json.dumps({"image": "images/a.jpg", "width": 360, "height": 240, "complete": ["plate"], "boxes": [{"class": "plate", "x": 150, "y": 60, "w": 60, "h": 30}]}) + "\n")
            out = os.path.join(folder, "out")
            conditions.copy(os.path.join(folder, "set"), "sideways", out)
            (row,) = conditions.load_set(out)
            self.assertEqual(cv2.imread(row["path"]).shape, (360, 240, 3))
            self.assertEqual((row["width"], row["height"], row["complete"]), (240, 360, ["plate"]))
            self.assertEqual((row["boxes"][0]["w"], row["boxes"][0]["h"]), (30, 60))


class Copies(unittest.TestCase):
    def test_a_near_copy_is_found(self):
        rng = np.random.default_rng(6)
        pictures = [cv2.GaussianBlur(rng.integers(0, 255, (120, 160), dtype=np.uint8), (0, 0), 9) for _ in range(40)]
        pictures = [cv2.normalize(p, None, 0, 255, cv2.NORM_MINMAX) for p in pictures]
        known = np.array([copies.difference_hash(p) for p in pictures], np.uint64)
        other = cv2.imdecode(cv2.imencode(".jpg", cv2.resize(pictures[17], (320, 240)), [cv2.IMWRITE_JPEG_QUALITY, 60])[1], 0)
        for image in (other, np.ascontiguousarray(other[:, ::-1])):
            self.assertIn(17, [copies.near(known, h, 5)[0] for h in copies.hashes(image)])
        strange = cv2.normalize(cv2.GaussianBlur(rng.integers(0, 255, (120, 160), dtype=np.uint8), (0, 0), 9), None, 0, 255, cv2.NORM_MINMAX)
        self.assertEqual([copies.near(known, h, 5)[0] for h in copies.hashes(strange)], [-1, -1])
        self.assertIsNone(copies.difference_hash(np.full((90, 90), 7, np.uint8)))


class Consistency(unittest.TestCase):
    def test_maps_turn_as_pictures_do(self):
        rng = np.random.default_rng(8)
        raw = torch.from_numpy(rng.normal(0, 0.3, (2, 10, 12, 20)).astype(np.float32))
        for quarters in range(4):
            (boxes, scores), = consist.levels_of([raw], quarters, 160)
            (plain, known), = consist.levels_of([raw], 0, 160)
            want = consist.turned_boxes(np.concatenate((plain[0].flatten(1).T.numpy(), np.zeros((240, 1))), 1), quarters, 160, 96)[:, :4]
            got = boxes[0].flatten(1).T.numpy()
            order_got, order_want = (np.lexsort(np.round(b, 2).T) for b in (got, want))
            self.assertLess(np.abs(got[order_got] - want[order_want]).max(), 1e-3)
            middle = (boxes[:, :2] + boxes[:, 2:]) / 2 / 8 - consist.grid(*boxes.shape[2:])
            self.assertLess(float(middle.abs().max()), 2.5)  # each box lies round its own cell
            self.assertLess(float((scores.sum(1).flatten(1).sort(1)[0] - known.sum(1).flatten(1).sort(1)[0]).abs().max()), 1e-5)

    def test_known_boxes_raise_and_others_fall(self):
        boxes = torch.tensor([[[0.0, 0, 20, 40], [1, 0, 21, 40], [60, 0, 80, 40], [100, 10, 110, 30]]])
        scores = torch.full((1, 4, 6), 0.1)
        scores[0, 2:, :2] = 0.6
        rows = np.array([[0, 0, 20, 41, 0.81], [60, 0, 80, 40, 0.2]], np.float32)
        consist.corrected(boxes, scores, [(rows, True, False)], 0, 160, 96)
        self.assertLess(float((scores[0, :2, :2] - 0.9).abs().max()), 1e-5)
        self.assertEqual(boxes[0, 1].tolist(), [0, 0, 20, 41])
        self.assertAlmostEqual(float(scores[0, 2, 0]), 0.6, 5)
        self.assertAlmostEqual(float(scores[0, 3, 0]), 0.3, 5)
        consist.corrected(boxes, scores, [(rows, True, True)], 0, 160, 96)
        self.assertAlmostEqual(float(scores[0, 0, 0]), 0.27, 5)

    def test_the_masters_answer_is_the_least_loss(self):
        torch.manual_seed(4)
        raw = [torch.randn(1, 10, 96 // s, 160 // s).requires_grad_() for s in STRIDES]
        boxes, scores = consist.flat(consist.levels_of([r.detach() for r in raw], 0, 160))
        cls, box = consist.people_loss(raw, boxes, scores)
        (cls + box).backward()
        self.assertLess(max(float(r.grad.abs().max()) for r in raw), 1e-4)

    def test_only_the_part_learns(self):
        for name, part in consist.PARTS.items():
            net = fold(HedgeNet().eval())
            part(net)
            learning = {n for n, p in net.named_parameters() if p.requires_grad}
            self.assertTrue(learning)
            first = {n.split(".")[0] for n in learning}
            self.assertEqual(first, {"body", "people"} if name == "people" else {"faces"})
            self.assertFalse(any(n.startswith(("body.stem.", "body.down2.", "body.csp2.")) for n in learning))

    def test_a_step_of_each_part(self):
        with tempfile.TemporaryDirectory() as folder:
            cv2.imwrite(os.path.join(folder, "a.png"), np.random.default_rng(1).integers(0, 255, (200, 300, 3)).astype(np.uint8))
            known = [consist.Known({"path": os.path.join(folder, "a.png")}, [[100, 50, 160, 150, 0.9]], True)]
            master = fold(HedgeNet().eval())
            for part in consist.PARTS.values():
                net = fold(HedgeNet().eval())
                learner = part(net)
                for quarters in range(4):
                    stream = iter(consist.Crops(known, (128, 96), 2, 3, np.eye(4)[quarters]))
                    clean, seen, turned, rows = next(stream)
                    self.assertEqual(turned, quarters)
                    self.assertEqual(clean.shape[2:], (96, 128) if quarters % 2 == 0 else (128, 96))
                    self.assertEqual(seen.shape[2:], (96, 128))
                    cls, box = learner.loss(master, clean.float(), seen.float(), turned, rows)
                    (cls + box).backward()
                    self.assertTrue(all(torch.isfinite(p.grad).all() for p in net.parameters() if p.grad is not None))


class Pruning(unittest.TestCase):
    def test_left_out_blocks_are_the_only_difference(self):
        torch.manual_seed(3)
        large, small = HedgeNet().plates.eval(), HedgeNet("hedge-p").plates.eval()
        for stage, kept_blocks in zip(large.stages, KEPT):
            for i, block in enumerate(stage[1:]):
                if i not in kept_blocks:  # it then adds nothing
                    torch.nn.init.zeros_(block.mix[1][1].weight)
        for head in large.heads:
            torch.nn.init.zeros_(head[1].mix[1][1].weight)
        small.load_state_dict(pruned(large.state_dict()))
        fine = torch.randn(1, 32, 24, 32)
        with torch.no_grad():
            for a, b in zip(large(fine), small(fine)):
                self.assertLess(float((a - b).abs().max()), 1e-5)


class Scenes(unittest.TestCase):
    def test_what_is_known(self):
        with tempfile.TemporaryDirectory() as folder:
            labelled, unlabelled, empty = picture(folder, ["plate"]), picture(folder, []), picture(folder, [], (), False)
            unasked = picture(folder, [], None, False)
        four = (labelled, unlabelled, empty, unasked)
        self.assertEqual([p.known for p in four], [True, False, True, False])
        self.assertEqual([p.empty for p in four], [False, False, True, False])
        self.assertEqual(labelled.boxes.tolist(), [[100, 100, 160, 115]])

    def test_boxes_lie_on_their_pixels(self):
        rng, banks = np.random.default_rng(3), (plates.bank(4, 1), plates.signs(12, 1))
        with tempfile.TemporaryDirectory() as folder:
            pic = picture(folder, ["plate"])
        pic.vehicles = pic.vehicles[:0]
        seen = 0
        for _ in range(60):
            scene = Scene(pic, 192, 192, banks, rng)
            self.assertEqual(scene.image.shape, (192, 192, 3))
            for b in scene.boxes:
                self.assertTrue(0 <= b[0] < b[2] <= 192 and 0 <= b[1] < b[3] <= 192)
            seen += len(scene.boxes)
        self.assertGreater(seen, 20)

    def test_turned_scenes_keep_boxes_on_their_pixels(self):
        rng = np.random.default_rng(12)
        scene = Scene.__new__(Scene)
        for _ in range(40):
            scene.image = np.full((192, 320, 3), 40, np.uint8)
            x, y = int(rng.integers(20, 200)), int(rng.integers(20, 120))
            cv2.rectangle(scene.image, (x, y), (x + 59, y + 14), (250, 250, 250), -1)
            scene.boxes, scene.ignored, scene.doubtful = [np.array([x, y, x + 60, y + 15], np.float32)], [], []
            scene.turn(rng)
            self.assertEqual(scene.image.shape, (192, 320, 3))
            bright = np.argwhere(scene.image.min(2) > 200)
            for b in scene.boxes:
                got = np.array([bright[:, 1].min(), bright[:, 0].min(), bright[:, 1].max() + 1, bright[:, 0].max() + 1])
                inside = b[0] > 0 and b[1] > 0 and b[2] < 320 and b[3] < 192
                self.assertTrue(not inside or np.abs(b - got).max() < 3, (b, got))
            if len(bright) > 40:
                self.assertEqual(len(scene.boxes) + len(scene.ignored), 1)

    def test_scene_round_a_hard_place(self):
        rng, banks = np.random.default_rng(4), (plates.bank(4, 1), plates.signs(12, 1))
        with tempfile.TemporaryDirectory() as folder:
            pic = picture(folder, [], (), False)
            path = os.path.join(folder, "hard.jsonl")
            with open(path, "w", encoding="utf-8") as f:
                for name in (pic.path, "not a picture of the sets"):
                    f.write(json.dumps({"path": name, "box": [100, 100, 160, 115], "score": 0.5}) + "\n")
            hard = Hard(path, {"set": [pic]})
            hard.refresh()
        self.assertEqual([(p is pic, b.tolist()) for p, b in hard.rows], [(True, [100, 100, 160, 115])])
        scene = Scene(pic, 192, 192, banks, rng, hard.rows[0][1])
        self.assertEqual((scene.image.shape, scene.boxes, scene.ignored), ((192, 192, 3), [], []))

    def test_mosaic_shifts_its_parts(self):
        class Part:
            def __init__(self, width, height):
                self.image = np.zeros((height, width, 3), np.uint8)
                self.image[4:12, 6:26] = 255
                self.boxes, self.ignored = [np.array([6, 4, 26, 12], np.float32)], [np.array([-50, -50, 500, 500], np.float32)]
                self.doubtful = []

        rng = np.random.default_rng(7)
        for _ in range(20):
            m = Mosaic(160, 96, Part, rng)
            drawn = np.zeros((96, 160), bool)
            for b in np.array(m.boxes).astype(int):
                drawn[b[1] : b[3], b[0] : b[2]] = True
            self.assertTrue((drawn == (m.image[..., 0] == 255)).all())
            self.assertEqual(len(m.boxes), 4)
            self.assertEqual(sum((b[2] - b[0]) * (b[3] - b[1]) for b in m.ignored), 96 * 160)

    def test_fish_eye_moves_boxes_with_their_pixels(self):
        rng = np.random.default_rng(8)
        for _ in range(40):
            lens = augment.FishEye(160, 96, rng.uniform(0.1, 0.6))
            x, y = rng.uniform(0, 130), rng.uniform(0, 80)
            b = np.round([x, y, x + rng.uniform(8, 30), y + rng.uniform(6, 16)]).astype(np.float32)
            image = np.zeros((96, 160, 3), np.uint8)
            cv2.rectangle(image, (int(b[0]), int(b[1])), (int(b[2]) - 1, int(b[3]) - 1), (255, 255, 255), -1)
            seen = np.argwhere(lens.image(image)[..., 0] > 127)
            got = lens.box(b)
            want = np.array([seen[:, 1].min(), seen[:, 0].min(), seen[:, 1].max() + 1, seen[:, 0].max() + 1])
            self.assertLess(np.abs(got - want).max(), 1.6)
        # The corners stay, the middle is enlarged.
        self.assertLess(np.abs(lens.box(np.array([0, 0, 160, 96])) - [0, 0, 160, 96]).max(), 1.0)
        middle = lens.box(np.array([78, 46, 82, 50]))
        self.assertGreater(middle[2] - middle[0], 4.2)

    def test_targets(self):
        class One:
            boxes, ignored = [np.array([40, 40, 64, 48], np.float32)], [np.array([0, 0, 16, 96], np.float32)]
            doubtful = [np.array([72, 0, 96, 96], np.float32)]

        levels = targets(One, 96, 96)
        score, weight, box, pull = levels[0]
        self.assertEqual(score.sum(), pull.astype(bool).sum())
        self.assertGreaterEqual(score.sum(), 4)
        self.assertEqual(score[0, 5, 6], 1)
        self.assertEqual(box[:, 5, 6].tolist(), [40, 40, 64, 48])
        self.assertEqual(weight[0, :, :2].sum(), 0)
        self.assertAlmostEqual(float(weight[0, :, 9:].max()), DOUBT, 6)
        self.assertEqual(weight[0, 8:, 3:8].min(), 1)
        self.assertEqual(levels[2][0].sum(), 0)

    def test_loss_falls_on_one_scene(self):
        torch.manual_seed(1)
        net = HedgeNet()
        image = np.full((96, 96, 3), 40, np.uint8)
        cv2.rectangle(image, (40, 40), (64, 48), (255, 255, 255), -1)

        class One:
            boxes, ignored, doubtful = [np.array([40, 40, 64, 48], np.float32)], [], []

        levels = [tuple(torch.from_numpy(p)[None] for p in level) for level in targets(One, 96, 96)]
        with torch.no_grad():
            fine = net.body.fine(torch.from_numpy(tensor(image)))
        optimiser, losses = torch.optim.Adam(net.plates.parameters(), 3e-3), []
        for _ in range(30):
            loss = sum(plate_loss(net.plates(fine), levels))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(float(loss.detach()))
        self.assertLess(losses[-1], 0.5 * losses[0])

    def test_pasted_plate_changes_only_its_place(self):
        rng = np.random.default_rng(5)
        image = np.full((80, 160, 3), 100, np.uint8)
        box = plates.paste(image, plates.bank(1, 2)[0], [60, 30, 100, 40], rng)
        changed = np.argwhere((image != 100).any(2))
        self.assertGreater(len(changed), 100)
        self.assertTrue(box[0] - 2 <= changed[:, 1].min() and changed[:, 1].max() <= box[2] + 2)

    def test_degrade_keeps_shape(self):
        rng = np.random.default_rng(6)
        image = rng.integers(0, 255, (64, 96, 3), dtype=np.uint8)
        for _ in range(60):
            out = augment.degrade(image, rng)
            self.assertEqual((out.shape, out.dtype), (image.shape, image.dtype))


class Measuring(unittest.TestCase):
    def test_hit_needs_cover(self):
        box = np.array([0, 0, 100, 100], np.float32)
        found = np.array([[0, 0, 66, 100], [0, 0, 74, 100]], np.float32)
        self.assertEqual(covered_at(box, found[:1], np.array([0.9])), 0)
        self.assertAlmostEqual(covered_at(box, found, np.array([0.9, 0.5])), 0.5)

    def test_threshold_allows_a_tenth(self):
        scores = [np.array([0.9 - 0.01 * i]) for i in range(20)]
        least = threshold(scores, 20)
        self.assertEqual(sum(s[0] >= least for s in scores), 2)

    def test_letterbox_and_nms(self):
        canvas, r, x0, y0 = letterbox(np.zeros((100, 100, 3), np.uint8), 640, 384)
        self.assertEqual((canvas.shape, r, x0, y0), ((384, 640, 3), 3.84, 128, 0))
        boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]], np.float32)
        self.assertEqual(nms(boxes, np.array([0.5, 0.9, 0.2])), [1, 2])


if __name__ == "__main__":
    unittest.main()
