// Drawing on the photo: a box and strokes, written into the form's own fields. Without this the four numbers do it.
const form = document.querySelector('form[data-mark]');
const stage = form.querySelector('.mark-stage');
const photo = stage.querySelector('img');
const canvas = stage.querySelector('canvas');
const strokes = { keep: [], drop: [] };
const tool = () => form.querySelector('input[name=tool]:checked').value;
const side = name => form.querySelector(`#b-${name}`);
const at = event => {
  const box = canvas.getBoundingClientRect();
  const share = (v, low, size) => Math.min(1, Math.max(0, (v - low) / size));
  return [share(event.clientX, box.left, box.width), share(event.clientY, box.top, box.height)];
};
let start = null;

function paint() {
  const { width, height } = canvas.getBoundingClientRect();
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext('2d');
  const [l, t, r, b] = ['left', 'top', 'right', 'bottom'].map(name => +side(name).value / 100);
  pen.lineWidth = 2;
  pen.strokeStyle = '#00a86b';
  pen.strokeRect(l * width, t * height, (r - l) * width, (b - t) * height);
  pen.lineWidth = 8;
  pen.lineCap = pen.lineJoin = 'round';
  for (const [name, colour] of [['keep', '#00a86bcc'], ['drop', '#d13b3bcc']]) {
    pen.strokeStyle = colour;
    for (const line of strokes[name]) {
      pen.beginPath();
      line.forEach(([x, y], i) => (i ? pen.lineTo(x * width, y * height) : pen.moveTo(x * width, y * height)));
      pen.stroke();
    }
    form.elements[name].value = JSON.stringify(strokes[name]);
  }
}
canvas.addEventListener('pointerdown', event => {
  canvas.setPointerCapture(event.pointerId);
  start = at(event);
  if (tool() !== 'box') strokes[tool()].push([start]);
});
canvas.addEventListener('pointermove', event => {
  if (!start) return;
  const [x, y] = at(event);
  if (tool() === 'box') {
    const put = (name, v) => (side(name).value = (v * 100).toFixed(1));
    put('left', Math.min(x, start[0]));
    put('right', Math.max(x, start[0]));
    put('top', Math.min(y, start[1]));
    put('bottom', Math.max(y, start[1]));
  } else strokes[tool()].at(-1).push([x, y]);
  paint();
});
canvas.addEventListener('pointerup', () => (start = null));
form.addEventListener('input', paint);
addEventListener('resize', paint);
canvas.hidden = false;
form.querySelector('[data-tools]').hidden = false;
photo.complete ? paint() : photo.addEventListener('load', paint);
