/* Draws the run documents that stand in the page (doc/report.md explains their fields), or follows
   the one beside it when none does. All that came from outside reaches the page as text nodes
   only. */
'use strict';
(function () {
    const runs = [...document.querySelectorAll('script[type="application/json"]')]
        .map((e) => JSON.parse(e.textContent));
    const root = document.getElementById('report');
    let gone = false; /* the program that is followed does not answer any more */
    /* And what only a target rate gives: from a message's intended start to its end. */
    const PHASES = ['connect', 'greeting', 'starttls', 'tls', 'hello', 'mail', 'rcpt', 'data',
        'end-of-data', 'rset', 'quit', 'transaction', 'xclient', 'auth', 'response'];
    const COLOURS = {
        light: ['#0072b2', '#009e73', '#6b7a00', '#a1337d', '#d55e00', '#cc79a7', '#e69f00', '#56b4e9', '#7b4fb5',
            '#8c8c8c', '#8a6d3b', '#1a1d21', '#4b5d67', '#b8860b', '#c2185b'],
        dark: ['#4da3ff', '#34d399', '#c6d84a', '#ff9de0', '#ff8b4d', '#f0a6cf', '#ffc14d', '#8fd3ff', '#b794f6',
            '#b0b0b0', '#c9a96a', '#ffffff', '#90a4ae', '#ffd54f', '#ff6f9f'],
    };
    const SERIES_NAMES = runs.length > 1 ? ['base', 'new'] : [''];

    /* Numbers for people: the same units as the text summary. */
    const count = (n) => (n === null || n === undefined ? '–' : n.toLocaleString('en-US'));
    function scaled(n, units) {
        let unit = units[0];
        for (const u of units) {
            if (n >= u[1]) unit = u;
        }
        const v = n / unit[1];
        return (unit[1] === 1 || v >= 100 ? v.toFixed(0) : v.toPrecision(3)) + ' ' + unit[0];
    }
    const time = (ns) => (ns === null || ns === undefined ? '–' : scaled(ns,
        [['ns', 1], ['µs', 1e3], ['ms', 1e6], ['s', 1e9], ['min', 6e10], ['h', 3.6e12]]));
    const bytes = (n) => (n === null || n === undefined ? '–' : scaled(n,
        [['B', 1], ['kB', 1e3], ['MB', 1e6], ['GB', 1e9], ['TB', 1e12], ['PB', 1e15]]));
    const rate = (n) => (n === null || n === undefined ? '–'
        : (n >= 100 ? count(Math.round(n)) : Number(n.toPrecision(3)).toString()) + '/s');
    function share(part, whole) {
        if (!whole || !part) return '';
        if (part === whole) return '100%';
        const hundredths = Math.floor(part / whole * 10000);
        return hundredths === 0 ? '<0.01%' : (hundredths / 100).toFixed(2) + '%';
    }

    function element(name, attributes, ...children) {
        const e = document.createElement(name);
        for (const [key, value] of Object.entries(attributes || {})) e.setAttribute(key, value);
        e.append(...children.filter((c) => c !== null && c !== undefined).map((c) =>
            (c instanceof Node ? c : String(c))));
        return e;
    }
    const card = (title, ...children) => element('section', {}, element('h2', {}, title),
        ...children);

    /* rows of [text, ...]; columns: {name, text: left-aligned, long: may wrap} */
    function table(columns, rows, id) {
        const style = (c) => (c.text ? { class: c.long ? 'text long' : 'text' } : {});
        return element('div', { class: 'scroll' }, element('table', { id },
            element('thead', {}, element('tr', {}, ...columns.map((c) =>
                element('th', style(c), c.name)))),
            element('tbody', {}, ...rows.map((r) => element('tr', {}, ...r.map((v, i) =>
                element('td', style(columns[i]), v)))))));
    }

    /* A run that goes on. Once it is over its document is one as any other. */
    const goesOn = (r) => r.live && r.live.state !== 'over';
    const state = (r) => (gone ? 'No longer heard of'
        : r.live.state[0].toUpperCase() + r.live.state.slice(1));

    /* How it goes, of the last second. */
    function now(r) {
        const l = r.live;
        return element('p', { id: 'live' }, gone || l.state === 'over'
            ? 'The run is over' + (gone ? '; this is what was heard last' : '') : [
                time(l.elapsed_ns), l.left_ns === null ? null : time(l.left_ns) + ' left',
                rate(l.rate_per_s) + (l.target_per_s === null ? '' : ' of ' +
                    rate(l.target_per_s)),
                l.p99_ns === null ? null : 'p50 ' + time(l.p50_ns) + ', p99 ' + time(l.p99_ns),
                count(l.open) + ' open',
                l.lag_p99_ns === null ? null : 'generator lag p99 ' + time(l.lag_p99_ns),
            ].filter((x) => x).join(' · '));
    }

    /* Latency without further words: response time, if there was a target rate. */
    const response = (r) => (r.response || {}).accepted;
    const latencyOf = (r, phase) => (phase === 'response' ? response(r) : r.latency[phase]);
    const whole = (r) => response(r) || r.latency.transaction;

    /* What a run comes to, in one sentence. */
    function verdict(r) {
        if (r.role === 'sink') {
            const how = count(r.sink.messages) + ' messages received';
            return goesOn(r) ? ['good', state(r) + ': ' + how]
                : [r.ended.startsWith('fatal') ? 'bad' : 'good', how];
        }
        const m = r.messages;
        const problems = ['refused', 'failed', 'unknown', 'missed'].filter((o) => m[o] > 0)
            .map((o) => count(m[o]) + ' ' + o);
        const p99 = whole(r) ? ', p99 ' + time(whole(r).p99_ns) : '';
        const broken = (r.requirements || []).filter((x) => !x.met).map((x) => x.text);
        const how = r.accepted_per_s === null ? '' : ' at ' + rate(r.accepted_per_s) + p99;
        if (goesOn(r)) {
            return [problems.length > 0 ? 'warn' : 'good', state(r) + ': ' + count(m.accepted) +
                ' messages accepted' + how + (problems.length > 0 ? '; ' + problems.join(', ')
                : '')];
        }
        if (r.ended !== 'complete') {
            return ['bad', 'Run ' + r.ended + ': ' + count(m.accepted) + ' of ' +
                count(m.offered) + ' messages accepted' + how];
        }
        if (broken.length > 0) {
            return ['bad', 'Not met: ' + broken.join(', ') + '. ' + count(m.accepted) + ' of ' +
                count(m.offered) + ' messages accepted' + how];
        }
        if (problems.length > 0) {
            return [m.accepted > 0 ? 'warn' : 'bad', count(m.accepted) + ' of ' + count(m.offered) +
                ' messages accepted' + how + '; ' + problems.join(', ')];
        }
        return [m.offered > 0 ? 'good' : 'warn', m.offered > 0
            ? 'All ' + count(m.offered) + ' messages accepted' + how : 'No messages were sent'];
    }

    function header() {
        const e = element('header', {});
        runs.forEach((r, i) => {
            const [style, text] = verdict(r);
            const name = SERIES_NAMES[i] ? SERIES_NAMES[i] + ': ' : '';
            e.append(element('h1', { class: style, id: 'verdict-' + i }, name + text));
            e.append(element('p', { class: 'soft' }, [
                (r.program || 'smtp-source') + ' ' + (r.version || ''),
                (r.protocol || '').toUpperCase() + (r.role === 'sink' ? ' on ' + r.listening
                    : ' to ' + (r.target || 'several targets')),
                r.started_at, time(r.elapsed_ns),
                r.merged ? r.merged.length + ' runs merged' : null,
            ].filter((x) => x).join(' · ')));
            if (r.live) e.append(now(r));
            if (r.verdict && typeof r.verdict.why === 'string') {
                e.append(element('p', {}, name + 'bottleneck: ' + r.verdict.bottleneck + ': ' +
                    r.verdict.why));
            }
            for (const note of r.notes || []) {
                e.append(element('p', { class: 'soft' }, name + 'note: ' + note));
            }
        });
        return e;
    }

    const figure = (name, ...values) => element('section', {}, ...values.map((v, i) =>
        element('b', i ? { class: 'second' } : {}, v)), element('span', { class: 'soft' }, name));

    function sinkFigures() {
        const k = runs[0].sink;
        return element('div', { class: 'figures' },
            figure('messages a second', rate(runs[0].live.rate_per_s)),
            figure('messages', count(k.messages)), figure('recipients', count(k.recipients)),
            figure('sessions', count(k.sessions)), figure('received', bytes(k.received_bytes)));
    }

    function figures() {
        const of = (r, field) => (whole(r) ? whole(r)[field] : null);
        const kind = runs.some(response) ? 'response' : 'transaction';
        const target = (r) => (r.model || {}).target_per_s;
        const rows = [
            ['accepted', (r) => rate(r.accepted_per_s)],
            ['of messages', (r) => share(r.messages.accepted, r.messages.offered) || '0%'],
            [kind + ' p50', (r) => time(of(r, 'p50_ns'))],
            [kind + ' p99', (r) => time(of(r, 'p99_ns'))],
            [kind + ' max', (r) => time(of(r, 'max_ns'))],
            runs.some(target) ? ['target', (r) => rate(target(r))]
                : ['sent', (r) => bytes(r.traffic.sent_bytes)],
        ];
        return element('div', { class: 'figures' }, ...rows.map(([name, get]) =>
            figure(name, ...runs.map(get))));
    }

    /* Charts. They are drawn anew when light turns to dark. */
    const charts = {};
    const dark = window.matchMedia('(prefers-color-scheme: dark)');
    const colour = (phase) => COLOURS[dark.matches ? 'dark' : 'light'][PHASES.indexOf(phase) %
        PHASES.length];

    function bucketHigh(low) {
        const bits = low < 1 ? 0 : Math.floor(Math.log2(low)) + 1;
        return low + 2 ** Math.max(0, bits - 8) - 1;
    }

    /* The latency that a share of the values does not exceed, at every bucket's end. x is
       1 / (1 - share), so that each nine takes as much room as the one before. */
    function curve(d) {
        const points = [{ x: 1, y: Math.max(1, d.min_ns) }];
        let seen = 0;
        for (const [low, n] of d.buckets) {
            seen += n;
            const left = d.count - seen;
            points.push({
                x: left > 0 ? d.count / left : 2 * d.count,
                y: Math.max(1, left > 0 ? Math.min(bucketHigh(low), d.max_ns) : d.max_ns),
            });
        }
        return points;
    }

    function percentileOf(x, most) {
        if (x >= most) return 'max';
        const p = 100 * (1 - 1 / x);
        const digits = Math.max(0, Math.round(Math.log10(x)) - 2);
        return 'p' + p.toFixed(Math.min(digits, 6));
    }

    function curveSets() {
        const sets = [];
        runs.forEach((r, i) => PHASES.filter((p) => latencyOf(r, p)).forEach((p) => sets.push({
            label: (SERIES_NAMES[i] ? SERIES_NAMES[i] + ' ' : '') + p,
            data: curve(latencyOf(r, p)),
            borderColor: colour(p), backgroundColor: colour(p),
            borderWidth: p === 'transaction' || p === 'response' ? 3 : 1.5,
            borderDash: i ? [6, 4] : [], pointRadius: 0, pointHitRadius: 6, stepped: 'after', phase: p,
            hidden: runs.length > 1 && p !== 'transaction',
        })));
        return sets;
    }

    function base(text, line) {
        return {
            animation: false, responsive: true, maintainAspectRatio: false, parsing: false,
            normalized: true,
            interaction: { mode: 'nearest', axis: 'xy', intersect: false },
            color: text, borderColor: line,
            plugins: { legend: { position: 'bottom', labels: { color: text, boxWidth: 24,
                boxHeight: 2 } } },
        };
    }

    function curvesChart(text, line) {
        const sets = curveSets();
        const most = Math.max(2, ...sets.map((s) => s.data[s.data.length - 1].x));
        const ticks = [1, 2, 10, 100, 1000, 1e4, 1e5, 1e6, 1e7].filter((x) => x <= most);
        const options = base(text, line);
        /* One entry a phase: it shows and hides the lines of both runs. */
        options.plugins.legend.labels.filter = (item, data) =>
            data.datasets.findIndex((s) => s.phase === data.datasets[item.datasetIndex].phase) ===
            item.datasetIndex;
        options.plugins.legend.labels.generateLabels = (chart) =>
            Chart.defaults.plugins.legend.labels.generateLabels(chart).map((item) =>
                ({ ...item, text: chart.data.datasets[item.datasetIndex].phase }));
        options.plugins.legend.onClick = (_, item, legend) => {
            const chart = legend.chart;
            const show = !chart.isDatasetVisible(item.datasetIndex);
            const phase = chart.data.datasets[item.datasetIndex].phase;
            chart.data.datasets.forEach((s, i) => s.phase === phase &&
                chart.setDatasetVisibility(i, show));
            chart.update();
        };
        options.plugins.tooltip = { callbacks: {
            title: (items) => items.map((t) => percentileOf(t.parsed.x,
                t.dataset.data[t.dataset.data.length - 1].x))[0],
            label: (t) => t.dataset.label + ': ' + time(t.parsed.y),
        } };
        options.scales = {
            x: { type: 'logarithmic', min: 1, max: most, grid: { color: line },
                title: { display: true, text: 'share of the replies', color: text },
                afterBuildTicks: (a) => { a.ticks = ticks.filter((x) => x !== 2 || a.width > 500)
                    .map((value) => ({ value })); },
                ticks: { color: text, autoSkip: false, maxRotation: 0,
                    callback: (x) => (x === 1 ? '0%' : (100 * (1 - 1 / x))
                        .toFixed(Math.max(0, Math.round(Math.log10(x)) - 2)) + '%') } },
            y: { type: 'logarithmic', grid: { color: line },
                ticks: { color: text, callback: (v) => (/^1(0*)$/.test(String(v)) ? time(v)
                    : null) } },
        };
        return { type: 'line', data: { datasets: sets }, options };
    }

    /* The run over time: a point an interval, in its middle. */
    const rows = (r) => (r.series && r.series.rows) || [];
    const middle = (row) => (row.begin_ns + row.end_ns) / 2e9;
    /* A remnant at the end, in which only what was under way ends, has no rate. */
    const perSecond = (row, n, s) => (row.end_ns - row.begin_ns > s.interval_ns * s.merged / 4
        ? n * 1e9 / (row.end_ns - row.begin_ns) : null);
    /* What is missed is given up all at once, at the end: that is no rate. */
    const RATES = [['accepted', 'data', (row, s) => perSecond(row, row.accepted, s)],
        ['not accepted', 'hello', (row, s) =>
            perSecond(row, row.refused + row.failed + row.unknown, s)]];
    const SINK_RATES = [['messages', 'data', (row, s) => perSecond(row, row.accepted, s)]];
    const LATENCIES = [['p50', 'connect', (row) => row.p50_ns], ['p99', 'rcpt', (row) => row.p99_ns],
        ['max', 'hello', (row) => row.max_ns], ['generator lag', 'rset', (row) => row.lag_max_ns]];

    function seriesChart(kinds, show, scale, text, line) {
        const options = base(text, line);
        const sets = [];
        runs.forEach((r, i) => kinds.forEach(([name, colourName, get]) => {
            const data = rows(r).map((row) => ({ x: middle(row), y: get(row, r.series) }))
                .filter((p) => typeof p.y === 'number' && (scale === 'linear' || p.y > 0));
            if (data.some((p) => p.y > 0)) {
                sets.push({ label: named(name, i), data, borderWidth: 2, pointRadius: 0,
                    pointHitRadius: 6, borderDash: i ? [6, 4] : [],
                    borderColor: colour(colourName), backgroundColor: colour(colourName) });
            }
        }));
        options.plugins.tooltip = { callbacks: {
            title: (items) => items.map((t) => time(t.parsed.x * 1e9))[0],
            label: (t) => t.dataset.label + ': ' + show(t.parsed.y),
        } };
        options.scales = {
            x: { type: 'linear', grid: { color: line },
                title: { display: true, text: 'seconds since the start', color: text },
                ticks: { color: text } },
            y: { type: scale, grid: { color: line }, min: scale === 'linear' ? 0 : undefined,
                ticks: { color: text, callback: (v) => (scale === 'linear' ||
                    /^1(0*)$/.test(String(v)) ? show(v) : null) } },
        };
        return { type: 'line', data: { datasets: sets }, options };
    }

    const KINDS = {
        curves: curvesChart,
        rates: (...colours) => seriesChart(runs[0].role === 'sink' ? SINK_RATES : RATES, rate,
            'linear', ...colours),
        times: (...colours) => seriesChart(LATENCIES, time, 'logarithmic', ...colours),
    };

    /* New numbers for a chart that is there; which lines are shown stays. */
    function renew(chart, config) {
        const hidden = {};
        chart.data.datasets.forEach((s, i) => { hidden[s.label] = !chart.isDatasetVisible(i); });
        chart.data.datasets = config.data.datasets;
        chart.options = config.options;
        chart.data.datasets.forEach((s, i) => chart.setDatasetVisibility(i,
            !(s.label in hidden ? hidden[s.label] : s.hidden)));
        chart.update('none');
    }

    function draw(anew) {
        const style = getComputedStyle(document.documentElement);
        const text = style.getPropertyValue('--soft').trim();
        const line = style.getPropertyValue('--line').trim();
        for (const [id, make] of Object.entries(KINDS)) {
            const canvas = document.getElementById(id);
            if (canvas && charts[id] && !anew) {
                renew(charts[id], make(text, line));
            } else if (canvas) {
                if (charts[id]) charts[id].destroy();
                charts[id] = new Chart(canvas, make(text, line));
            }
        }
    }

    const canvas = (id, label) => element('div', { class: 'chart' },
        element('canvas', { id, role: 'img', 'aria-label': label }));

    /* Tables. */
    const columnsOf = (names) => names.map((name, i) => ({ name, text: i === 0 }));
    const named = (name, i) => (SERIES_NAMES[i] ? SERIES_NAMES[i] + ' ' + name : name);

    function account() {
        const columns = [''];
        runs.forEach((_, i) => columns.push(named('messages', i), '', named('recipients', i), ''));
        const rows = ['offered', 'accepted', 'refused', 'failed', 'unknown', 'missed'].map((o) => {
            const row = [o];
            runs.forEach((r) => [r.messages, r.recipients].forEach((g) => row.push(count(g[o]),
                o === 'offered' ? '' : share(g[o], g.offered))));
            return row;
        });
        return card('Account', table(columnsOf(columns), rows, 'account'));
    }

    function latencies() {
        const fields = [['count', count], ['p50_ns', time], ['p90_ns', time], ['p99_ns', time],
            ['p99_9_ns', time], ['p99_99_ns', time], ['max_ns', time]];
        const rows = [];
        const add = (name, i, d) => rows.push([named(name, i),
            ...fields.map(([f, show]) => show(d[f]))]);
        for (const [group, name] of [['response', 'response, '], ['lag', 'generator lag, ']]) {
            runs.forEach((r, i) => Object.entries(r[group] || {}).forEach(([key, d]) =>
                add(name + key, i, d)));
        }
        for (const group of ['latency', 'refused_latency']) {
            PHASES.forEach((p) => runs.forEach((r, i) => {
                if (!r[group][p]) return;
                add(p + (group === 'latency' ? '' : ' refused'), i, r[group][p]);
            }));
        }
        return rows.length === 0 ? null : card('Latency', table(
            columnsOf(['', 'count', 'p50', 'p90', 'p99', 'p99.9', 'p99.99', 'max']), rows,
            'latency'));
    }

    function requirements() {
        const units = { ns: time, count, per_s: rate, share: (n) => (n * 100).toPrecision(4) + '%' };
        const rows = [];
        runs.forEach((r, i) => (r.requirements || []).forEach((x) => rows.push([
            named(x.text, i), x.measured === null ? 'not measured' : units[x.unit](x.measured),
            x.met ? 'met' : 'NOT MET'])));
        return rows.length === 0 ? null : card('Requirements', table(
            columnsOf(['', 'measured', '']), rows, 'requirements'));
    }

    function targets() {
        const rows = [];
        runs.forEach((r, i) => (r.targets || []).forEach((t) => {
            const d = t.response.accepted || t.latency.transaction;
            rows.push([named(t.endpoint || '?', i), t.weight === null ? 'various' : count(t.weight),
                count(t.connections.made), count(t.connections.failed),
                ...['accepted', 'refused'].map((o) => count(t.messages[o])),
                count(t.messages.failed + t.messages.unknown),
                ...['p50_ns', 'p99_ns', 'max_ns'].map((f) => (d ? time(d[f]) : ''))]);
        }));
        return rows.length === 0 ? null : card('Servers', table(columnsOf(['', 'weight',
            'connections', 'not made', 'accepted', 'refused', 'failed', 'p50', 'p99', 'max']), rows,
            'targets'));
    }

    function refusals() {
        const rows = [];
        runs.forEach((r, i) => {
            [...r.refusals].sort((a, b) => b.messages - a.messages || b.replies - a.replies)
                .forEach((x) => rows.push([named(x.phase, i),
                    (x.code || '–') + (x.collateral ? '*' : ''), x.enhanced || '',
                    count(x.messages), count(x.replies), x.sample]));
            const other = r.refusals_other;
            if (other.messages > 0 || other.replies > 0) {
                rows.push([named('other', i), '', '', count(other.messages), count(other.replies),
                    'kinds beyond the table; the rows above are lower bounds']);
            }
        });
        return rows.length === 0 ? null : card('Refusals', table([
            { name: 'at', text: true }, { name: 'code', text: true }, { name: '', text: true },
            { name: 'messages' }, { name: 'replies' }, { name: 'text', text: true, long: true },
        ], rows, 'refusals'), rows.some((x) => x[1].endsWith('*'))
            ? element('p', { class: 'soft' }, '* follows from an earlier refusal') : null);
    }

    function breaks() {
        const kinds = ['lost', 'timeouts', 'failed', 'unknown'];
        const rows = [];
        runs.forEach((r, i) => Object.entries(r.breaks || {}).forEach(([phase, row]) =>
            rows.push([named(phase, i), ...kinds.map((k) => count(row[k]))])));
        return rows.length === 0 ? null : card('Broken off', table(
            columnsOf(['', 'lost', 'timeouts', 'messages failed', 'unknown']), rows, 'breaks'));
    }

    function environment() {
        const e = (r) => r.environment || {};
        const c = (r) => r.connections;
        const fields = [
            ['command line', (r) => r.command_line],
            ['run', (r) => r.run_id],
            ['kernel', (r) => e(r).kernel],
            ['CPU', (r) => (e(r).cpu ? e(r).cpu + (e(r).cpus ? ' × ' + e(r).cpus : '') : null)],
            ['version', (r) => r.version],
            ['sessions', (r) => count(r.config.sessions)],
            ['message size', (r) => (r.config.message_bytes === null ? 'various'
                : bytes(r.config.message_bytes))],
            ['recipients a message', (r) => (r.config.recipients_per_message === null ? 'various'
                : count(r.config.recipients_per_message))],
            ['workers', (r) => count(r.config.workers) + (r.config.io_driver
                ? ', ' + r.config.io_driver : '')],
            ['connections', (r) => [count(c(r).made) + ' made', ...['failed', 'lost', 'timeouts']
                .filter((k) => c(r)[k] > 0).map((k) => count(c(r)[k]) + ' ' + k)].join(', ')],
            ['generator CPU', (r) => time(r.cpu.user_ns) + ' user, ' + time(r.cpu.system_ns) +
                ' system' + (r.cpu.per_message_ns === null ? ''
                : ', ' + time(r.cpu.per_message_ns) + ' per message')],
            ['memory', (r) => bytes(r.peak_rss_bytes)],
            ['traffic', (r) => bytes(r.traffic.sent_bytes) + ' sent, ' +
                bytes(r.traffic.received_bytes) + ' received'],
        ];
        const columns = [{ name: '', text: true }, ...runs.map((_, i) => ({
            name: SERIES_NAMES[i], text: true, long: true }))];
        return card('Environment', table(columns, fields.map(([name, get]) =>
            [name, ...runs.map((r) => get(r) || '–')]), 'environment'));
    }

    function sinkNumbers() {
        const k = runs[0].sink;
        const rows = [['sessions', count(k.sessions)], ['at most at a time',
            count(k.peak_sessions)], ['ended by QUIT', count(k.quits)], ['lost', count(k.lost)],
        ['aborted', count(k.aborted)], ['content', bytes(k.content_bytes)],
        ['sent', bytes(k.sent_bytes)], ['CPU', time(k.cpu.user_ns) + ' user, ' +
            time(k.cpu.system_ns) + ' system'], ['memory', bytes(k.peak_rss_bytes)],
        ['command line', runs[0].command_line]];
        for (const [verb, n] of Object.entries(k.refused_by_verb)) {
            rows.push(['refused at ' + verb, count(n)]);
        }
        return card('Numbers', table([{ name: '', text: true },
            { name: '', text: true, long: true }], rows, 'sink'));
    }

    const ifAny = (there, make) => () => (there ? make() : null);

    /* The page's parts, in order: name, how to make it (null: not there), does it hold a chart? */
    function parts() {
        const over = runs.some((r) => rows(r).length > 1);
        const times = over && runs.some((r) => rows(r).some((row) => row.p50_ns));
        const rates = ['rates', ifAny(over, () => card('Throughput over time',
            canvas('rates', 'Messages a second over time'))), true];
        if (runs[0].role === 'sink') {
            return [['header', header], ['figures', sinkFigures], rates, ['sink', sinkNumbers]];
        }
        return [['header', header], ['figures', figures], rates,
            ['times', ifAny(times, () => card('Latency over time',
                canvas('times', 'Latency over time'))), true],
            ['curves', ifAny(runs.some((r) => Object.keys(r.latency).length > 0), () =>
                card('Latency by percentile', runs.length > 1 ? element('p', { class: 'soft' },
                    'solid: base, dashed: new; a click on a phase shows it') : null,
                canvas('curves', 'Latency by percentile, a line for each phase'))), true],
            ['requirements', requirements], ['account', account], ['targets', targets],
            ['refusals', refusals], ['breaks', breaks],
            ['latencies', latencies], ['environment', environment]];
    }

    /* Puts the parts in their places. What has not changed is left alone, and so are charts. */
    const shown = {};
    function show() {
        let last = null;
        for (const [name, make, keep] of parts()) {
            const before = shown[name];
            const part = before && keep ? before : make();
            if (before && part && (part === before || part.outerHTML === before.outerHTML)) {
                last = before;
                continue;
            }
            if (before) before.remove();
            shown[name] = part;
            if (!part) continue;
            if (last) last.after(part);
            else root.prepend(part);
            last = part;
        }
        document.title = (SERIES_NAMES.length > 1 ? 'Comparison: ' : '') + verdict(runs[0])[1];
        draw(false);
    }

    /* Once a second, until the run is over or nothing is heard any more. */
    let silent = 0;
    async function follow() {
        try {
            const answer = await fetch('run.json', { cache: 'no-store' });
            if (answer.ok) runs[0] = await answer.json();
            silent = 0;
        } catch (error) {
            gone = ++silent >= 3;
        }
        if (runs.length > 0) show();
        if (gone || (runs.length > 0 && !goesOn(runs[0]))) return;
        setTimeout(follow, 1000);
    }

    root.replaceChildren();
    if (runs.length > 0) show();
    else follow();
    dark.addEventListener('change', () => runs.length > 0 && draw(true));
})();
