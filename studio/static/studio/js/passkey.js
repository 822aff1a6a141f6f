// Passkeys: a form marked data-passkey asks the browser for one, and is sent with what the browser gives. Without a browser that knows
// passkeys, without script, or at an address of digits, which passkeys are never for, the form stays hidden, and password and code work.
const asks = {
  ask: async form => (await (await fetch(form.action, { headers: { Accept: 'application/json' } })).json()).request_options,
  get: async () => JSON.parse(document.getElementById('passkey-data').textContent).request_options,
  create: async form => {
    const options = JSON.parse(document.getElementById('passkey-data').textContent).creation_options;
    const alone = form.elements.passwordless?.checked;
    Object.assign(options.publicKey.authenticatorSelection, {
      residentKey: alone ? 'required' : 'discouraged',
      requireResidentKey: Boolean(alone),
      ...(alone && { userVerification: 'required' }),
    });
    return options;
  },
};

const known = window.PublicKeyCredential && !/^[\d.]+$|:/.test(location.hostname);
for (const note of document.querySelectorAll('[data-passkey-none]')) note.hidden = known;
if (known)
  for (const form of document.querySelectorAll('form[data-passkey]')) {
    form.hidden = false;
    form.addEventListener('submit', async event => {
      event.preventDefault();
      const sorry = form.querySelector('[role=alert]'),
        kind = form.dataset.passkey;
      sorry.hidden = true;
      try {
        const options = await asks[kind](form);
        const given = await (kind === 'create' ? webauthnJSON.create(options) : webauthnJSON.get(options));
        form.elements.credential.value = JSON.stringify(given);
        form.submit();
      } catch {
        sorry.hidden = false; // refused, timed out, or no key there
      }
    });
  }
