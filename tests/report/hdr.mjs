// Reads interval logs with hdr-histogram-js and holds them against the documents of the same runs:
//     node hdr.mjs MODULE NAME...        (NAME.hlog and NAME.json)
import fs from 'fs';

const [moduleFile, ...names] = process.argv.slice(2);
const hdr = (await import(moduleFile)).default ?? await import(moduleFile);
let passed = 0;
let failed = 0;

function expect(what, got, want) {
    if (got === want) {
        passed++;
    } else {
        failed++;
        console.log(`${what}: ${got}, not ${want}`);
    }
}

for (const name of names) {
    const document = JSON.parse(fs.readFileSync(name + '.json', 'utf8'));
    const reader = new hdr.HistogramLogReader(fs.readFileSync(name + '.hlog', 'utf8'), 64);
    const found = {};
    for (let h; (h = reader.nextIntervalHistogram());) {
        found[h.tag === 'NO TAG' || !h.tag ? 'transaction' : h.tag] = h;
    }
    const wanted = { ...document.latency };
    for (const [phase, d] of Object.entries(document.refused_latency)) wanted[phase + '-refused'] = d;
    expect(`${name}: tags`, Object.keys(found).sort().join(), Object.keys(wanted).sort().join());
    for (const [tag, d] of Object.entries(wanted)) {
        const h = found[tag];
        if (!h) continue;
        const where = `${name}: ${tag}`;
        expect(`${where}: count`, h.totalCount, d.count);
        expect(`${where}: digits`, h.numberOfSignificantValueDigits, 2);
        // Count by count: nothing lies anywhere else, since the sums agree.
        for (const [low, count] of d.buckets) expect(`${where}: at ${low}`, h.getCountAtValue(low), count);
        if (d.above > 0) continue; // what is above an hour is counted at one hour there
        for (const [p, field] of [[50, 'p50_ns'], [99, 'p99_ns'], [99.99, 'p99_99_ns']]) {
            // Theirs is the bucket's end, ours never above the exact maximum.
            expect(`${where}: p${p}`, Math.min(h.getValueAtPercentile(p), d.max_ns), d[field]);
        }
        const began = Date.parse(document.started_at);
        expect(`${where}: start`, Math.round(h.startTimeStampMsec), began);
        expect(`${where}: length`, Math.round(h.endTimeStampMsec - h.startTimeStampMsec),
            Math.round(document.elapsed_ns / 1e6));
    }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed || !passed ? 1 : 0);
