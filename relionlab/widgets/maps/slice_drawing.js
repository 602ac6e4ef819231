// Slices of volumes and how they are coloured: pure functions, no page.
// A volume is {data: Uint8Array, shape: [nz, ny, nx]}; 0 to 255 stand for densities between two levels.
const SKY = [0x56, 0xb4, 0xe9], PALE = [0xee, 0xee, 0xee], VERMILION = [0xd5, 0x5e, 0x00];
const PLANES = [
  { name: "z", across: 2, down: 1, through: 0 },
  { name: "y", across: 2, down: 0, through: 1 },
  { name: "x", across: 1, down: 0, through: 2 },
];

function cut(volume, plane, index) {
  // the slice of a volume as {data, width, height}; rows run down as in the file
  const [nz, ny, nx] = volume.shape;
  const strides = [ny * nx, nx, 1];
  const { across, down, through } = PLANES[plane];
  const width = volume.shape[across], height = volume.shape[down];
  const out = new Uint8Array(width * height);
  const at = Math.min(Math.max(index, 0), volume.shape[through] - 1) * strides[through];
  if (strides[across] === 1) {
    for (let row = 0; row < height; row++) {
      const start = at + row * strides[down];
      out.set(volume.data.subarray(start, start + width), row * width);
    }
  } else {
    for (let row = 0, k = 0; row < height; row++)
      for (let column = 0, i = at + row * strides[down]; column < width; column++, i += strides[across]) out[k++] = volume.data[i];
  }
  return { data: out, width, height };
}

function project(volume, plane) {
  // the sum along an axis, stretched to 0 … 255
  const [nz, ny, nx] = volume.shape;
  const { across, down, through } = PLANES[plane];
  const strides = [ny * nx, nx, 1];
  const width = volume.shape[across], height = volume.shape[down], depth = volume.shape[through];
  const sums = new Float32Array(width * height);
  for (let row = 0; row < height; row++)
    for (let d = 0; d < depth; d++) {
      let i = row * strides[down] + d * strides[through];
      for (let column = 0, k = row * width; column < width; column++, i += strides[across]) sums[k++] += volume.data[i];
    }
  let low = Infinity, high = -Infinity;
  for (const value of sums) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const out = new Uint8Array(sums.length);
  const scale = high > low ? 255 / (high - low) : 0;
  for (let i = 0; i < sums.length; i++) out[i] = (sums[i] - low) * scale;
  return { data: out, width, height };
}

function ramp(black, white) {
  const out = new Float32Array(256);
  for (let i = 0; i < 256; i++) out[i] = Math.min(Math.max((i - black) / Math.max(white - black, 1e-6), 0), 1);
  return out;
}

function scaleColour(place) {
  // sky blue (good), pale, vermilion (poor), as the pictures of local resolution have it
  const [from, to, part] = place < 0.5 ? [SKY, PALE, 2 * place] : [PALE, VERMILION, 2 * place - 1];
  return from.map((value, i) => value + part * (to[i] - value));
}

function paint(image, slice, light) {
  for (let i = 0, k = 0; i < slice.data.length; i++, k += 4) {
    const grey = 255 * light[slice.data[i]];
    image.data[k] = image.data[k + 1] = image.data[k + 2] = grey;
    image.data[k + 3] = 255;
  }
}

function paintBlend(image, slice, second, light, secondLight, share) {
  // the first map blue, the second orange: where they agree it is grey
  const a = 2 * Math.min(1 - share, 0.5), b = 2 * Math.min(share, 0.5);
  for (let i = 0, k = 0; i < slice.data.length; i++, k += 4) {
    const one = a * light[slice.data[i]], other = b * secondLight[second.data[i]];
    for (let c = 0; c < 3; c++) image.data[k + c] = SKY[c] * one + (255 - SKY[c]) * other;
    image.data[k + 3] = 255;
  }
}

function paintLocal(image, slice, local, light, inside) {
  const colours = [];
  for (let i = 0; i < 256; i++) colours.push(scaleColour(Math.max(i - 1, 0) / 254));
  for (let i = 0, k = 0; i < slice.data.length; i++, k += 4) {
    const bright = 0.15 + 0.85 * light[slice.data[i]];
    const share = inside ? inside.data[i] / 255 : local.data[i] > 0 ? 1 : 0;
    const colour = colours[local.data[i]];
    for (let c = 0; c < 3; c++) image.data[k + c] = bright * (share * colour[c] + (1 - share) * 255);
    image.data[k + 3] = 255;
  }
}

function contour(slice, level, line) {
  // marching squares: calls line(x0, y0, x1, y1) in pixels of the slice, whose centres are at whole numbers
  const { data, width, height } = slice;
  const part = (a, b) => (level - a) / (b - a);
  for (let y = 0; y + 1 < height; y++)
    for (let x = 0; x + 1 < width; x++) {
      const i = y * width + x;
      const a = data[i], b = data[i + 1], c = data[i + width + 1], d = data[i + width];
      const kind = (a > level ? 1 : 0) | (b > level ? 2 : 0) | (c > level ? 4 : 0) | (d > level ? 8 : 0);
      if (kind === 0 || kind === 15) continue;
      const top = [x + part(a, b), y], right = [x + 1, y + part(b, c)];
      const bottom = [x + part(d, c), y + 1], left = [x, y + part(a, d)];
      const join = (p, q) => line(p[0], p[1], q[0], q[1]);
      if (kind === 1 || kind === 14) join(left, top);
      else if (kind === 2 || kind === 13) join(top, right);
      else if (kind === 4 || kind === 11) join(right, bottom);
      else if (kind === 8 || kind === 7) join(bottom, left);
      else if (kind === 3 || kind === 12) join(left, right);
      else if (kind === 6 || kind === 9) join(top, bottom);
      else {
        join(left, kind === 5 ? top : bottom);
        join(right, kind === 5 ? bottom : top);
      }
    }
}

function roundLength(most) {
  const decade = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].map((step) => step * decade).find((length) => length <= most) ?? decade;
}

async function unpacked(bytes) {
  // what Python's zlib packed, as Uint8Array
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const bytesOf = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
