// Runs before the page is drawn, so that a chosen theme does not flash. The switch itself is in adsgem.js.
if (localStorage.theme && localStorage.theme !== 'system') document.documentElement.dataset.theme = localStorage.theme;
