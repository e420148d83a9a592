// Looks for people with MoveNet multipose, a pose model unrelated to the product's detector.
//
// usage: node plate_movenet.mjs NODE_MODULES MODEL_FOLDER LIST.json
//
// LIST.json: [{"file": "raw RGB bytes", "width": 640, "height": 384}, …], sides multiples of 32.
// Prints one JSON array a picture: [[score, x1, y1, x2, y2], …], boxes in px of the picture.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const [modules, folder, list] = process.argv.slice(2);
const require = createRequire(path.resolve(modules, "anchor.cjs"));
const tf = require("@tensorflow/tfjs-core");
const { loadGraphModel } = require("@tensorflow/tfjs-converter");
require("@tensorflow/tfjs-backend-wasm");
await tf.setBackend("wasm");
await tf.ready();

const about = JSON.parse(fs.readFileSync(path.join(folder, "movenet-multipose.json"), "utf8"));
const weights = fs.readFileSync(path.join(folder, "movenet-multipose.bin"));
const model = await loadGraphModel({
  load: async () => ({
    ...about,
    weightSpecs: about.weightsManifest.flatMap((group) => group.weights),
    weightData: weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.byteLength),
  }),
});

for (const { file, width, height } of JSON.parse(fs.readFileSync(list, "utf8"))) {
  const pixels = Int32Array.from(fs.readFileSync(file));
  const picture = tf.tensor(pixels, [1, height, width, 3], "int32");
  const found = model.execute(picture);
  const rows = found.arraySync()[0];
  tf.dispose([picture, found]);
  // 17 keypoints of 3 values, then the box y1, x1, y2, x2 as shares of the picture, and a score
  const people = rows.map((row) => [
    row[55], row[52] * width, row[51] * height, row[54] * width, row[53] * height,
  ]);
  console.log(JSON.stringify(people));
}
