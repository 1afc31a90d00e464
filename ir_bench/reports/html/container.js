// Blocks of the page: base64 of gzip of [length of the JSON, JSON, arrays]. See container.py.
const ARRAYS = {f4: Float32Array, u2: Uint16Array, u4: Uint32Array, i2: Int16Array};
const opened = new Map();

function bytesOf(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text), bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

async function inflated(id) {
  const node = document.getElementById(id);
  const stream = new Blob([bytesOf(node.textContent.trim())]).stream().pipeThrough(new DecompressionStream("gzip"));
  node.textContent = "";  // the packed form is not needed twice
  return new Response(stream).arrayBuffer();
}

async function unpack(id) {
  const buffer = await inflated(id);
  const length = new DataView(buffer).getUint32(0, true), begin = 4 + length;
  const json = new TextDecoder().decode(new Uint8Array(buffer, 4, length));
  return JSON.parse(json, (key, value) => {
    if (!value || !Array.isArray(value.$)) return value;
    const [kind, offset, size] = value.$;
    return new ARRAYS[kind](buffer, begin + offset, size);
  });
}

/** The block with this id, unpacked once; null where the page has none. */
function block(id) {
  if (!document.getElementById(id)) return Promise.resolve(null);
  if (!opened.has(id)) opened.set(id, unpack(id));
  return opened.get(id);
}
