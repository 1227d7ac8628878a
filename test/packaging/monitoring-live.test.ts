import { afterEach, beforeEach, expect, it } from 'vitest';
import { elsewhere, license, password, registration } from '../support/licenses.ts';
import { createScenario, type OperatorProcess, type Scenario } from '../support/scenario.ts';
import { until } from '../support/wait.ts';
import { firing, promtool } from './support/promtool.ts';

let s: Scenario;
let operator: OperatorProcess;
beforeEach(async () => {
  // The built operator runs on real time.
  s = await createScenario({ now: Date.now, settings: { meteringSeconds: 0 } });
  operator = s.spawn();
});
afterEach(() => s.end());

async function scrape(): Promise<string> {
  const [, port] = /"telemetry":(\d+)/.exec(operator.output()) ?? [];
  return (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
}

/** A resource of every kind. */
function everything(): object[] {
  const { authURL, endpoint, project, username, password: secret, driver } = s.sandbox.info.cloudos;
  const secretOf = (name: string, stringData: object) => ({
    ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name }, type: 'freehold.dev/credentials', stringData },
  });
  const apiVersion = 'cloudos.freehold.dev/v1alpha1';
  return [
    ...s.tenant({ pollInterval: 5 }),
    s.hypervisor('web'),
    license(s, 'license'),
    password(),
    registration('vcenter', { licenseRef: { name: 'license' } }),
    secretOf('cloud-credentials', { username, password: secret }),
    secretOf('bmc', { username: 'bmc-user', password: 'not-a-real-one' }),
    {
      apiVersion,
      kind: 'CloudOSTenant',
      metadata: { name: 'cloud' },
      spec: { authURL, endpoint, project, credentialsSecretRef: { name: 'cloud-credentials' }, pollInterval: 5 },
    },
    {
      apiVersion,
      kind: 'BareMetalNode',
      metadata: { name: 'node' },
      spec: {
        tenantRef: { name: 'cloud' },
        driver,
        bmc: { address: '192.0.2.11', credentialsSecretRef: { name: 'bmc' } },
      },
    },
  ];
}

it('the metrics of an operator at work pass promtool without a word, and no alert fires while all is well', async () => {
  await s.apply(...everything());
  for (const [kind, name] of [
    ['dh', 'web'],
    ['gl', 'license'],
    ['vcreg', 'vcenter'],
    ['bmn', 'node'],
  ] as const)
    await s.condition(kind, name, 'Ready', 'True', undefined, 60_000);
  await s.condition('vcreg', 'vcenter', 'MeteringHealthy', 'True', undefined, 30_000);
  const text = await scrape();

  expect(await promtool(['check', 'metrics'], text)).toEqual({ code: 0, output: '' });
  expect((await promtool(['check', 'metrics'], `${text}\n# TYPE a_total gauge\na_total 1\n`)).code).not.toBe(0);
  expect(await firing(text)).toEqual([]);
  for (const line of [
    /^freehold_build_info\{version="\d+\.\d+\.\d+",node="[\d.]+"\} 1$/m,
    /^freehold_leader 1$/m,
    /^freehold_resources\{kind="DedicatedHypervisor",state="ready"\} 1$/m,
    /^freehold_resource_conditions\{kind="CloudOSTenant",condition="Ready",status="True",reason="Connected"\} 1$/m,
    /^freehold_remote_list_age_seconds\{tenant=".+",type="servers"\} \d/m,
    /^freehold_remote_poll_interval_seconds\{tenant=".+"\} 5$/m,
    /^freehold_watch_silence_seconds\{resource="guestlicenses"\} \d/m,
    /^freehold_kube_request_duration_seconds_count\{verb="PATCH"\} [1-9]/m,
    /^freehold_licenses\{reason="\w+"\} 1$/m,
  ])
    expect(text).toMatch(line);
  // No label carries the name of a resource, and nothing is secret.
  expect(text).not.toMatch(/"(web|license|vcenter|node|cloud|tenant)"/);
  const { apiKey, apiSecret } = s.sandbox.info.sdpf;
  for (const secret of [apiKey, apiSecret, 'not-a-real-one', 'bmc-user', 'abc-123']) expect(text).not.toContain(secret);
});

it('of what goes wrong at once each is told by its own alert', async () => {
  await s.apply(...s.tenant({ pollInterval: 5 }), s.hypervisor('web'), license(s, 'license', { claim: 'Never' }));
  await s.ready('web', 60_000);
  const bought = await s.condition('gl', 'license', 'Ready', 'True', undefined, 60_000);
  const quiet = await scrape();
  expect(await firing(quiet)).toEqual([]);

  // A licence that ends in five days, one that somebody bought, a spec that is refused, credentials that are no good.
  const expires_at = new Date(Date.now() + 5 * 86_400_000).toISOString();
  await s.sandbox.control('PATCH', `licenses/${bought.status!.externalID}`, { expires_at });
  await elsewhere(s);
  const [secret, tenant] = s.tenant({}, 'shut') as [{ stringData: object }, object];
  await s.apply({ ...secret, stringData: { apiKey: 'wrong', apiSecret: 'wrong' } }, tenant);
  await s.apply(s.hypervisor('odd', { imageRef: '00000000-0000-4000-8000-000000000000' }));
  await s.condition('dh', 'odd', 'Stalled', 'True', 'InvalidSpec', 60_000);
  await s.condition('SDPFTenant', 'shut', 'Ready', 'False', 'CredentialsRefused', 60_000);
  await s.condition('gl', 'license', 'Expiring', 'True', 'ExpiresInSevenDays', 60_000);
  const alarming = [
    'FreeholdCredentialsRefused',
    'FreeholdLicenseExpiring',
    'FreeholdResourceStalled',
    'FreeholdUnclaimedRemoteObjects',
  ];
  let last: string[] = [];
  await until(
    'what was bought elsewhere is seen',
    async () => (last = await firing(await scrape())).length >= alarming.length,
    60_000,
  );
  expect(last).toEqual(alarming);

  // And then the whole list is empty.
  await s.sandbox.set({ hideServers: true });
  await s.condition('SDPFTenant', 'tenant', 'Ready', 'False', 'BreakerOpen', 60_000);
  expect(await firing(await scrape())).toEqual(['FreeholdBreakerOpen', ...alarming]);
});
