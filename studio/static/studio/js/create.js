// The order form: chips and frames tick their placements, and the sum line follows. Without this the list of placements does it all.
const form = document.querySelector('form.create');
const boxes = [...form.querySelectorAll('input[name=placement]:not([data-extra])')];
const many = (n, one) => `${n} ${one}${n === 1 ? '' : 's'}`;
const put = (selector, text) => (form.querySelector(selector).textContent = text);

function count() {
  const chosen = boxes.filter(box => box.checked);
  const shapes = new Set(chosen.map(box => box.dataset.shapeOf));
  const variations = +form.querySelector('#variations').value;
  const ads = variations * chosen.length;
  const sum = `${many(variations, 'variation')} × ${many(shapes.size, 'shape')} = ${many(variations * shapes.size, 'picture')}, ${many(ads, 'ad')}`;
  put('[data-made]', ads ? sum : 'Nowhere to run yet');
  put('[data-make]', ads ? `Make ${many(ads, 'ad')}` : 'Make ads');
  put('[data-chosen]', chosen.length);
  for (const frame of form.querySelectorAll('[data-frame]')) {
    const own = chosen.filter(box => box.dataset.shapeOf === frame.dataset.frame);
    frame.checked = own.length > 0;
    put(`[data-count="${frame.dataset.frame}"]`, `${own.length} of `);
  }
  for (const chip of form.querySelectorAll('[data-platform]'))
    chip.checked = boxes.filter(box => box.dataset.platformOf === chip.dataset.platform && 'usual' in box.dataset).every(box => box.checked);
}

form.addEventListener('change', event => {
  const { frame, platform } = event.target.dataset;
  if (frame) {
    const own = boxes.filter(box => box.dataset.shapeOf === frame);
    for (const box of own) box.checked = event.target.checked && 'first' in box.dataset;
  }
  if (platform) {
    // On: the usual places of this platform. Off: none of its places.
    const own = boxes.filter(box => box.dataset.platformOf === platform);
    for (const box of own) box.checked = event.target.checked ? box.checked || 'usual' in box.dataset : false;
  }
  count();
});
form.addEventListener('input', event => {
  if (event.target.id === 'variations') count();
});
// One click is one order. The key in the form says so to the server, too.
form.addEventListener('submit', event => {
  if (event.submitter?.name) return;
  const button = form.querySelector('[data-make]');
  button.setAttribute('aria-busy', 'true');
  setTimeout(() => (button.disabled = true));
});
addEventListener('pageshow', () => {
  const button = form.querySelector('[data-make]');
  button.removeAttribute('aria-busy');
  button.disabled = false;
  count();
});
for (const part of form.querySelectorAll('[data-script]')) part.hidden = false;
form.querySelector('[data-fold]').open = false;
