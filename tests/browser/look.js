// SPDX-License-Identifier: Apache-2.0
// What tests of pages in Chromium share: a line for each thing seen, and a page looked at as a small telephone and a desk
// show it.
'use strict';
const fs = require('fs');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const WIDTHS = [360, 1280];

function see(ok, name, more) {
	console.log(`${ok ? 'ok' : 'not ok'} ${name}`);
	if (!ok) for (const line of more.slice(0, 20)) console.log(`# ${line}`);
}

// look(context, at, what): where it stands, at each width: nothing scrolls sideways, and axe-core finds nothing. The page is
// asked again by another tab, in which axe may run. With a folder a picture of each is left there.
function looking(folder) {
	let pictures = 0;
	return async function look(context, at, what) {
		const wrong = [];
		const page = await context.newPage();
		page.setDefaultTimeout(20000);
		for (const width of WIDTHS) {
			await page.setViewportSize({ width, height: 800 });
			await page.goto('about:blank');
			await page.goto(at);
			const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
			if (wide > 0) wrong.push(`${width}: scrolls sideways by ${wide}`);
			if (folder)
				await page.screenshot({ path: `${folder}/${String(++pictures).padStart(2, '0')}-${what.replace(/[^a-z]+/gi, '-')}-${width}.png`,
					fullPage: true });
			await page.evaluate(() => document.querySelectorAll('details').forEach((d) => { d.open = true; }));
			const open = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
			if (open > 0) wrong.push(`${width}: opened it scrolls sideways by ${open}`);
			await page.evaluate(axe);
			for (const v of (await page.evaluate(() => window.axe.run(document))).violations)
				wrong.push(`${width}: ${v.id}: ${v.help}: ${v.nodes.slice(0, 2).map((x) => x.html.slice(0, 120)).join(' | ')}`);
		}
		await page.close();
		see(wrong.length === 0, `${what}: fits, and axe-core finds nothing`, wrong);
	};
}

module.exports = { WIDTHS, see, looking };
