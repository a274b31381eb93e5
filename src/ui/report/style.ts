/** How the page looks: in the colours that its reader's system has, on a screen and on paper. */
export const STYLE = `
:root { color-scheme: light dark; --back: #fff; --text: #1c2128; --soft: #59636e; --line: #d8dee4; --card: #f6f8fa;
  --good: #1a7f37; --bad: #cf222e; --warn: #9a6700; --gray: #afb8c1;
  --c0: #0969da; --c1: #bf8700; --c2: #1a7f37; --c3: #8250df; --c4: #cf5f00; --c5: #0e8a8a; --c6: #bf3989; --c7: #57606a }
@media (prefers-color-scheme: dark) { :root { --back: #0d1117; --text: #e6edf3; --soft: #9198a1; --line: #2f353d; --card: #161b22;
  --good: #3fb950; --bad: #f85149; --warn: #d29922; --gray: #545d68;
  --c0: #4493f8; --c1: #d29922; --c2: #3fb950; --c3: #ab7df8; --c4: #f0883e; --c5: #39c5cf; --c6: #db61a2; --c7: #9198a1 } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 1120px; padding: 32px 24px 64px; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', sans-serif }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere }
h2 { font-size: 18px; margin: 40px 0 10px }
p { margin: 6px 0 }
.soft { color: var(--soft) }
.verdict { display: inline-block; padding: 3px 12px; border-radius: 99px; color: #fff; font-weight: 600; margin: 10px 0 }
.exact { background: #1a7f37 } .interrupted { background: #9a6700 } .failed-job { background: #cf222e }
dl.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 10px; margin: 16px 0 }
dl.figures div { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px }
dl.figures dt { color: var(--soft); font-size: 13px } dl.figures dd { margin: 0; font-size: 21px; font-weight: 600 }
dl.figures small { display: block; color: var(--soft); font-size: 12px; font-weight: 400 }
svg { width: 100%; min-width: 640px; height: auto; display: block; font: 12px system-ui, sans-serif } svg text { fill: var(--text) }
svg .tick { fill: var(--soft); font-size: 11px } .grid { stroke: var(--line); stroke-width: 1 }
.area { fill: var(--c0); opacity: .55 } .line { fill: none; stroke: var(--c2); stroke-width: 1.5 }
.look line { stroke: var(--c2); opacity: .5 } .look circle { fill: var(--c2) } .seams line { stroke: var(--soft); stroke-width: 1 }
.phase0 rect { fill: var(--soft); opacity: .45 } .phase1 rect { fill: var(--soft); opacity: .8 }
${Array.from({ length: 8 }, (_, at) => `.c${at} { --own: var(--c${at}) }`).join(' ')}
.wait { fill: var(--own); opacity: .4 } .verified { fill: var(--own) } .bring { fill: var(--own); opacity: .45 }
.needless { fill: var(--gray) } .failed { fill: var(--bad) }
.key { display: flex; flex-wrap: wrap; gap: 4px 18px; color: var(--soft); font-size: 13px; margin: 8px 0 0; padding: 0; list-style: none }
.key i { display: inline-block; width: 22px; vertical-align: middle; margin-right: 6px; background: var(--c0); border-radius: 1px }
table { border-collapse: collapse; width: 100%; font-size: 14px } .wide { overflow-x: auto }
th { text-align: left; font-weight: 600; color: var(--soft); font-size: 13px }
th, td { padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top } .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.share { display: inline-block; width: 110px; height: 9px; background: var(--line); border-radius: 5px; overflow: hidden; vertical-align: middle; margin-right: 8px }
.share i { display: block; height: 100%; background: var(--own) }
code, pre { font: 13px/1.5 ui-monospace, 'SF Mono', Menlo, Consolas, monospace; overflow-wrap: anywhere }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; white-space: pre-wrap; margin: 6px 0 14px }
pre span { display: inline-block; max-width: 100% } .one { white-space: nowrap }
.ok { color: var(--good) } .not { color: var(--bad) } ul { padding-left: 20px } details summary { cursor: pointer; color: var(--soft) }
@media print { body { padding: 0; max-width: none } h2 { break-after: avoid } svg, table, pre { break-inside: avoid } }
`
