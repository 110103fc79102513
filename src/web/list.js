/* SPDX-License-Identifier: Apache-2.0
 * Keys of a list whose rows can be chosen: j down, k up, x choose, o open. Without it the boxes and
 * links do all of that. Nothing happens while somebody types. */
'use strict';
(() => {
	const rows = Array.from(document.querySelectorAll('main form table tbody tr'))
		.filter((row) => row.querySelector('input[type=checkbox]'));
	const box = (row) => row.querySelector('input[type=checkbox]');
	const at = () => rows.indexOf(document.activeElement && document.activeElement.closest('tr'));
	document.addEventListener('keydown', (e) => {
		const typing = e.target.matches('textarea, select, input:not([type=checkbox])');
		if (typing || e.ctrlKey || e.altKey || e.metaKey || rows.length === 0) return;
		const i = at();
		if (e.key === 'j') box(rows[Math.min(i + 1, rows.length - 1)]).focus();
		else if (e.key === 'k') box(rows[Math.max(i - 1, 0)]).focus();
		else if (e.key === 'x' && i >= 0) box(rows[i]).checked = !box(rows[i]).checked;
		else if (e.key === 'o' && i >= 0 && rows[i].querySelector('a')) rows[i].querySelector('a').click();
		else return;
		e.preventDefault();
	});
})();
