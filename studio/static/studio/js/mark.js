// Drawing on the photo: a box and strokes, written into the form's own fields. Without this the four numbers do it.
const form = document.querySelector('form[data-mark]');
const stage = form.querySelector('.mark-stage');
const canvas = stage.querySelector('canvas');
const colours = { keep: '#00c07acc', drop: '#e0403ecc' };
const strokes = { keep: JSON.parse(form.elements.keep.value || '[]'), drop: JSON.parse(form.elements.drop.value || '[]') };
const tool = () => form.querySelector('input[name=tool]:checked').value;
const side = name => form.querySelector(`#b-${name}`);
const at = event => {
  const box = canvas.getBoundingClientRect();
  const share = (value, low, size) => Math.min(1, Math.max(0, (value - low) / size));
  return [share(event.clientX, box.left, box.width), share(event.clientY, box.top, box.height)];
};
let start = null;

function line(pen, points, width, height) {
  pen.beginPath();
  points.forEach(([x, y], i) => (i ? pen.lineTo(x * width, y * height) : pen.moveTo(x * width, y * height)));
  if (points.length === 1) pen.lineTo(points[0][0] * width + 0.1, points[0][1] * height);
  pen.stroke();
}

function paint() {
  const { width, height } = canvas.getBoundingClientRect();
  const dense = devicePixelRatio || 1;
  canvas.width = width * dense;
  canvas.height = height * dense;
  const pen = canvas.getContext('2d');
  pen.scale(dense, dense);
  const [l, t, r, b] = ['left', 'top', 'right', 'bottom'].map(name => +side(name).value.replace(',', '.') / 100);
  pen.fillStyle = 'rgb(10 20 16 / 0.45)';
  pen.beginPath();
  pen.rect(0, 0, width, height);
  pen.rect(l * width, t * height, (r - l) * width, (b - t) * height);
  pen.fill('evenodd');
  pen.lineWidth = 2;
  pen.strokeStyle = '#fff';
  pen.strokeRect(l * width, t * height, (r - l) * width, (b - t) * height);
  pen.lineWidth = 10;
  pen.lineCap = pen.lineJoin = 'round';
  for (const name of ['keep', 'drop']) {
    pen.strokeStyle = colours[name];
    for (const points of strokes[name]) line(pen, points, width, height);
    form.elements[name].value = JSON.stringify(strokes[name]);
  }
}

canvas.addEventListener('pointerdown', event => {
  canvas.setPointerCapture(event.pointerId);
  start = at(event);
  if (tool() !== 'box') strokes[tool()].push([start]);
  paint();
});
canvas.addEventListener('pointermove', event => {
  if (!start) return;
  const [x, y] = at(event);
  if (tool() === 'box') {
    const put = (name, value) => (side(name).value = (value * 100).toFixed(1));
    put('left', Math.min(x, start[0]));
    put('right', Math.max(x, start[0]));
    put('top', Math.min(y, start[1]));
    put('bottom', Math.max(y, start[1]));
  } else strokes[tool()].at(-1).push([+x.toFixed(4), +y.toFixed(4)]);
  paint();
});
for (const type of ['pointerup', 'pointercancel']) canvas.addEventListener(type, () => (start = null));
form.querySelector('[data-clear]').addEventListener('click', () => {
  strokes.keep = [];
  strokes.drop = [];
  paint();
});
form.addEventListener('input', paint);
addEventListener('resize', paint);
canvas.hidden = false;
for (const part of form.querySelectorAll('[data-script]')) part.hidden = false;
paint();
