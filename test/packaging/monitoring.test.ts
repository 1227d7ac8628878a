import { describe, expect, it, test } from 'vitest';
import { parse } from 'yaml';
import { reasons } from '../../src/engine/reasons.ts';
import { kinds } from '../../src/kinds.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { textOf } from '../support/docs.ts';
import { partsOf, promtool, promtoolOn } from './support/promtool.ts';

interface Rule {
  alert: string;
  expr: string;
  for: string;
  labels: { severity: string };
  annotations: { summary: string; description: string; runbook_url: string };
}

interface RuleTest {
  alert_rule_test?: { alertname: string; exp_alerts: { exp_labels: { severity: string } }[] }[];
  promql_expr_test?: { exp_samples: unknown[] }[];
}

interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  datasource: { uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
  fieldConfig: { defaults: { unit: string } };
  targets: { expr: string; legendFormat: string; datasource: { uid: string } }[];
}

const { groups } = parse(textOf('charts/freehold/files/alerts.yaml')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const alerts = [...new Set(rules.map(({ alert }) => alert))];
const { tests } = parse(textOf('test/packaging/alerts.test.yaml')) as { tests: RuleTest[] };
const dashboard = JSON.parse(textOf('charts/freehold/files/dashboard.json')) as { panels: Panel[] };
const panels = dashboard.panels.filter(({ type }) => type !== 'row');

/** As Grafana would send it. */
const sent = (expr: string) => expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$(namespace|job)\b/g, 'freehold');

const own = createMetrics();
const metrics = new Map(own.definitions.map((definition) => [definition.name, definition]));
const ofProcess = new Set([...(await own.text()).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
/** Those that Prometheus puts on every series of a target; `cluster` where there are several. */
const ofTarget = ['cluster', 'namespace', 'job', 'pod', 'instance'];
const vocabulary: Record<string, readonly string[]> = {
  kind: kinds.map(({ names }) => names.kind),
  reason: Object.keys(reasons),
  state: ['ready', 'reconciling', 'stalled', 'deleting', 'unknown'],
  status: ['True', 'False', 'Unknown'],
  condition: [
    ...['Ready', 'Stalled', 'Reconciling', 'Synced', 'CredentialsProved', 'BudgetExhausted'],
    ...kinds.flatMap(({ conditions = [] }) => conditions.map(({ type }) => type)),
  ],
};

/** What an expression names that the code does not have. */
function unknownIn(expr: string): string[] {
  const { selectors, groupedBy } = partsOf(expr);
  const known = new Set<string>(ofTarget);
  const unknown: string[] = [];
  for (const { name, matchers } of selectors) {
    const definition = metrics.get(name);
    if (!definition && !ofProcess.has(name)) unknown.push(name);
    for (const label of definition?.labelNames ?? []) known.add(label);
    if (definition?.type === 'histogram') known.add('le');
    for (const { label, values } of matchers) {
      if (![...ofTarget, ...(definition?.labelNames ?? [])].includes(label)) unknown.push(`${name}{${label}}`);
      for (const value of values)
        if (vocabulary[label]?.includes(value) === false) unknown.push(`${name}{${label}="${value}"}`);
    }
  }
  if (selectors.length === 0) unknown.push(`no metric in ${expr}`);
  return [...unknown, ...groupedBy.filter((label) => !known.has(label))];
}

describe('the alert rules', () => {
  test('are valid, and pass their tests', async () => {
    expect(await promtool(['check', 'rules', 'charts/freehold/files/alerts.yaml'])).toMatchObject({ code: 0 });
    const { code, output } = await promtool(['test', 'rules', 'test/packaging/alerts.test.yaml']);
    expect(code, output).toBe(0);
  });

  it.each(rules.map((rule) => [`${rule.alert} (${rule.labels.severity})`, rule] as const))(
    '%s names metrics, labels and values that exist, and says what is wrong',
    (_, { expr, labels, annotations }) => {
      expect(unknownIn(expr)).toEqual([]);
      expect(['info', 'warning', 'critical']).toContain(labels.severity);
      const shown = [...JSON.stringify(annotations).matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label);
      const { groupedBy } = partsOf(expr);
      for (const label of shown) expect(groupedBy).toContain(label);
      for (const text of [annotations.summary, annotations.description]) expect(text.length).toBeGreaterThan(20);
    },
  );

  it.each(rules.map((rule) => [`${rule.alert} (${rule.labels.severity})`, rule] as const))(
    '%s fires in a test, and is silent in others',
    (_, { alert, labels }) => {
      const cases = tests.flatMap(({ alert_rule_test = [] }) =>
        alert_rule_test.filter(({ alertname }) => alertname === alert),
      );
      const fires = cases.filter(({ exp_alerts }) =>
        exp_alerts.some(({ exp_labels }) => exp_labels.severity === labels.severity),
      );
      expect(fires).not.toEqual([]);
      expect(cases.filter(({ exp_alerts }) => exp_alerts.length === 0).length).toBeGreaterThan(1);
    },
  );

  test('fire alone: each test also says that no other one does', () => {
    for (const { promql_expr_test = [] } of tests) expect(promql_expr_test).not.toEqual([]);
  });
});

describe('docs/alerts.md', () => {
  const sections = new Map(
    textOf('docs/alerts.md')
      .split(/^### /m)
      .slice(1)
      .map((text) => [text.slice(0, text.indexOf('\n')), text]),
  );

  test('has a section for each alert, and for no other', () => {
    expect([...sections.keys()].sort()).toEqual([...alerts].sort());
  });

  it.each(rules.map((rule) => [rule.alert, rule] as const))('is where the runbook of %s leads', (alert, rule) => {
    expect(rule.annotations.runbook_url).toBe(`docs/alerts.md#${alert.toLowerCase()}`);
  });

  it.each(alerts)('says of %s what it means, where to look, what to do, and what comes of doing nothing', (alert) => {
    for (const part of ['**Means**', '**Look at**', '**do**', '**if nobody does**'])
      expect(sections.get(alert)!.toLowerCase()).toContain(part.toLowerCase());
  });
});

describe('the dashboard', () => {
  it.each(panels.map((panel) => [panel.title, panel] as const))(
    '%s: has a description and a unit, and asks the chosen data source for what exists',
    (_, panel) => {
      expect(panel.description).toMatch(/^\S.{15,}\.$/);
      expect(panel.fieldConfig.defaults.unit).toMatch(/^\w+$/);
      expect(panel.targets).not.toEqual([]);
      for (const { uid } of [panel.datasource, ...panel.targets.map(({ datasource }) => datasource)])
        expect(uid).toBe('${datasource}');
      for (const { expr, legendFormat } of panel.targets) {
        expect(expr).toContain('namespace=~"$namespace", job=~"$job"');
        const selected = sent(expr).replaceAll(/(namespace|job)=~"freehold"/g, '$1=~""');
        expect(unknownIn(selected)).toEqual([]);
        const { groupedBy, selectors } = partsOf(selected);
        for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
          expect(/^(process|nodejs)_/.test(selectors[0]!.name) ? ofTarget : groupedBy).toContain(label);
      }
    },
  );

  test('has expressions that Prometheus can read', async () => {
    const records = panels
      .flatMap(({ targets }) => targets)
      .map(({ expr }, index) => ({ record: `dashboard:panel:${index}`, expr: sent(expr) }));
    const { code, output } = await promtoolOn(['check', 'rules'], { groups: [{ name: 'dashboard', rules: records }] });
    expect(code, output).toBe(0);
    const broken = { record: 'dashboard:broken', expr: 'sum(freehold_leader' };
    expect(await promtoolOn(['check', 'rules'], { groups: [{ name: 'broken', rules: [broken] }] })).not.toMatchObject({
      code: 0,
    });
  });

  test('has no two panels in one place, and no two of one number', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const taken = new Map<string, string>();
    for (const { title, gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(taken.get(`${x}/${y}`), title).toBeUndefined();
          taken.set(`${x}/${y}`, title);
        }
      }
    }
  });

  test('shows whatever an alert is about', () => {
    const ofPanels = panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => partsOf(expr).selectors));
    const shown = new Set(ofPanels.map(({ name }) => name));
    // What has one value while all is well, and what an age is compared with.
    const left = ['freehold_shard_waiting', 'freehold_remote_poll_interval_seconds', 'process_start_time_seconds'];
    const asked = rules.flatMap(({ expr }) => partsOf(expr).selectors.map(({ name }) => name));
    for (const name of asked.filter((one) => !left.includes(one))) expect(shown).toContain(name);
  });
});
