"""What else a user would pick, each as its own documentation shows it; run by `benchmarks.peers`.

Every recipe takes a picture's file and ends with the best of the samples for each face. The weights are ours,
given as ONNX files, where the library takes them. Nothing of Dareda is imported: it is not installed there.
"""

import io
import json
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image


class Imgutils:
    """`dghs-imgutils`: its YOLO path. No embedder of it takes weights: a plain session for each crop."""

    def __init__(self, given):
        from imgutils.generic import yolo  # noqa: PLC0415  # each recipe needs another library

        self.given, self.model = given, yolo.YOLOModel("local")
        self.model._model_names = yolo._OFFLINE  # looks for nothing on the network
        session = _Renamed(onnxruntime.InferenceSession(given["detector"]))
        key = os.getpid(), threading.get_ident(), "ours"
        self.model._models[key] = session, 640, ["face"], threading.Lock()
        self.model._model_types["ours"] = "yolo"
        self.embedder = onnxruntime.InferenceSession(given["embedder"])

    def faces(self, data):
        image = Image.open(io.BytesIO(data)).convert("RGB")
        found = self.model.predict(image, "ours", self.given["score"], self.given["iou"])
        for box, _, _ in found:
            crop = np.asarray(_crop(image, box, self.given), np.float32) / 255
            rows = ((crop - self.given["mean"]) / self.given["std"]).transpose(2, 0, 1)[None]
            yield self.embedder.run(None, {"crops": rows.astype(np.float32)})[0][0]


class Insightface:
    """`insightface`: the loop of its FaceAnalysis, with its ArcFace model class on our file.

    It takes no YOLO, and aligns by landmarks that our detector has not, so these parts are written plainly.
    """

    def __init__(self, given):
        from insightface.model_zoo.arcface_onnx import ArcFaceONNX  # noqa: PLC0415

        self.given = given
        self.detector = onnxruntime.InferenceSession(given["detector"])
        self.embedder = ArcFaceONNX(given["embedder"])

    def faces(self, data):
        import cv2  # noqa: PLC0415

        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        height, width = image.shape[:2]
        scale = 640 / max(height, width)
        canvas = np.zeros((640, 640, 3), np.uint8)  # as its detectors do it: in the upper left corner
        small = cv2.resize(image, (round(width * scale), round(height * scale)))
        canvas[: small.shape[0], : small.shape[1]] = small
        blob = cv2.dnn.blobFromImage(canvas, 1 / 255, (640, 640), swapRB=True)
        output = self.detector.run(None, {"images": blob})[0][0]
        x, y, w, h, score = output[:, output[4] >= self.given["score"]]
        boxes = np.stack([x - w / 2, y - h / 2, w, h], 1)
        kept = cv2.dnn.NMSBoxes(boxes.tolist(), score.tolist(), self.given["score"], self.given["iou"])
        whole = Image.fromarray(image)
        for left, top, wide, high in boxes[np.asarray(kept, int).ravel()] / scale:
            crop = _crop(whole, (left, top, left + wide, top + high), self.given)
            yield self.embedder.get_feat(np.asarray(crop)).ravel()


RECIPES = {"dghs-imgutils": Imgutils, "insightface": Insightface}


class _Renamed:
    """A session whose output is asked for by the name that Ultralytics gives it."""

    def __init__(self, session):
        self.session = session

    def run(self, _, inputs):
        return self.session.run(None, inputs)


def _crop(image, box, given):
    """The square around the box, `margin` times as large, at the embedder's size."""
    x1, y1, x2, y2 = box
    half = max(x2 - x1, y2 - y1) * given["margin"] / 2
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    area = tuple(round(edge) for edge in (x - half, y - half, x + half, y + half))
    return image.crop(area).resize((given["side"], given["side"]), Image.Resampling.BILINEAR)


def main():
    """Says that it is ready, then for each line that comes how long all pictures took."""
    name, given_file = sys.argv[1:]
    given = json.loads(Path(given_file).read_text(encoding="utf-8"))
    given |= {key: np.array(given[key], np.float32) for key in ("mean", "std")}
    recipe = RECIPES[name](given)
    files = [Path(path).read_bytes() for path in given["pictures"]]
    samples = np.random.default_rng(0).standard_normal((1_000, 512), np.float32)
    samples /= np.linalg.norm(samples, axis=1, keepdims=True)
    print(json.dumps({"ready": name}), flush=True)
    for _ in sys.stdin:
        started, cpu, faces = time.perf_counter(), time.process_time(), 0
        for data in files:
            for embedding in recipe.faces(data):
                int(np.argmax(samples @ (embedding / np.linalg.norm(embedding))))
                faces += 1
        seconds = time.perf_counter() - started, time.process_time() - cpu
        print(json.dumps({"seconds": seconds, "faces": faces}), flush=True)


if __name__ == "__main__":
    main()
