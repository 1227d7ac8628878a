/** Writes charts/freehold/files/dashboard.json, for Grafana; with `--check` only says whether it is up to date. */
import { type Panel, rows } from './dashboard-panels.ts';
import { keepGeneratedFile } from './generated.ts';

const selector = 'namespace=~"$namespace", job=~"$job"';

const datasource = { type: 'prometheus', uid: '${datasource}' };

function panelOf(panel: Panel, id: number, gridPos: object): object {
  const { title, description, unit, queries, stacked, figure } = panel;
  const red = figure?.badFrom === undefined ? [] : [{ color: 'red', value: figure.badFrom }];
  return {
    id,
    type: figure ? 'stat' : 'timeseries',
    title,
    description,
    datasource,
    gridPos,
    fieldConfig: {
      defaults: {
        unit,
        min: unit === 'dateTimeFromNow' ? null : 0,
        noValue: figure ? '–' : '',
        ...(figure
          ? { color: { mode: 'thresholds' } }
          : {
              color: { mode: 'palette-classic' },
              custom: stacked ? { fillOpacity: 30, stacking: { mode: 'normal', group: 'A' } } : { fillOpacity: 5 },
            }),
        thresholds: { mode: 'absolute', steps: [{ color: 'green', value: null }, ...red] },
      },
      overrides: [],
    },
    options: figure
      ? { colorMode: 'value', graphMode: 'none', reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false } }
      : { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: Object.entries(queries).map(([legendFormat, query], index) => ({
      refId: String.fromCharCode(65 + index),
      datasource,
      expr: query.replaceAll('$of', selector),
      legendFormat,
      ...(figure && { instant: true }),
    })),
  };
}

/** Rows of a width of 24, each under its name. */
function layout(): object[] {
  const panels: object[] = [];
  let y = 0;
  for (const [title, members] of Object.entries(rows)) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: 24, h: 1 },
      panels: [],
    });
    y += 1;
    let x = 0;
    let height = 0;
    for (const panel of members) {
      const [w, h] = panel.figure ? [3, 4] : [6, 8];
      if (x + w > 24) {
        y += height;
        x = 0;
      }
      panels.push(panelOf(panel, panels.length + 1, { x, y, w, h }));
      x += w;
      height = h;
    }
    y += height;
  }
  return panels;
}

const variable = (name: string, label: string, of: string) => ({
  name,
  label,
  type: 'query',
  datasource,
  query: { query: `label_values(${of}, ${name})`, refId: name },
  definition: `label_values(${of}, ${name})`,
  refresh: 2,
  sort: 1,
  includeAll: true,
  multi: true,
  allValue: '.*',
  current: { selected: true, text: ['All'], value: ['$__all'] },
});

const dashboard = {
  title: 'Freehold',
  description: 'Resources, remote APIs and the operator itself. What each metric means: docs/metrics.md.',
  tags: ['freehold', 'kubernetes'],
  schemaVersion: 39,
  editable: true,
  graphTooltip: 1,
  refresh: '1m',
  time: { from: 'now-6h', to: 'now' },
  timezone: 'browser',
  templating: {
    list: [
      { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', current: {}, refresh: 1 },
      variable('namespace', 'Namespace', 'freehold_build_info'),
      variable('job', 'Job', 'freehold_build_info{namespace=~"$namespace"}'),
    ],
  },
  panels: layout(),
};

keepGeneratedFile('charts/freehold/files/dashboard.json', `${JSON.stringify(dashboard, undefined, 2)}\n`, {
  check: process.argv.includes('--check'),
});
