// Runs before the page is drawn, so that a chosen theme does not flash. The switch itself is in adsgem.js.
// A browser that forbids storage throws at the first look: then the system's own theme it is.
try {
  if (localStorage.theme && localStorage.theme !== 'system') document.documentElement.dataset.theme = localStorage.theme;
} catch {}
