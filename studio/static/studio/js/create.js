// The order form: frames tick their placements, and the sum line follows. Without this the fold of placements does it all.
const form = document.querySelector('form.create');
const boxes = [...form.querySelectorAll('input[name=placement]')];
const many = (n, one) => `${n} ${one}${n === 1 ? '' : 's'}`;

function count() {
  const chosen = boxes.filter(box => box.checked);
  const shapes = new Set(chosen.map(box => box.dataset.shapeOf));
  const variations = +form.querySelector('#variations').value;
  const ads = variations * chosen.length;
  form.querySelector('[data-made]').textContent = ads
    ? `${many(variations, 'variation')} × ${many(shapes.size, 'shape')} = ${many(variations * shapes.size, 'picture')}, ${many(ads, 'ad')}`
    : 'Nowhere to run yet';
  form.querySelector('[data-make-button]').textContent = ads ? `Make ${many(ads, 'ad')}` : 'Make ads';
  form.querySelector('[data-chosen]').textContent = chosen.length;
  for (const frame of form.querySelectorAll('[data-frame]')) {
    const own = boxes.filter(box => box.dataset.shapeOf === frame.dataset.frame && box.checked);
    frame.checked = own.length > 0;
    form.querySelector(`[data-count="${frame.dataset.frame}"]`).textContent = own.length;
  }
}

form.addEventListener('change', event => {
  const shape = event.target.dataset?.frame;
  if (shape) {
    const own = boxes.filter(box => box.dataset.shapeOf === shape);
    const usual = own.filter(box => 'usual' in box.dataset);
    for (const box of own) box.checked = false;
    // A frame stands for its usual placement; a shape without one for its first.
    if (event.target.checked) for (const box of usual.length ? usual : own.slice(0, 1)) box.checked = true;
  }
  count();
});
form.addEventListener('input', event => {
  if (event.target.id === 'variations') count();
});
form.querySelector('[data-frames]').hidden = false;
form.querySelector('[data-fold]').open = Boolean(form.querySelector('#placements .error-line'));
document.getElementById('errors')?.focus();
count();
